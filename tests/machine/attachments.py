"""The lives of attachments and their routes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.connections import KEYS, REMOTES, TUNNEL, Connections
from tests.machine.life import AT, TAGS, WHO
from tests.machine.model import Account, Attachment
from tests.support.cell import Cell

VCO_DESTINATIONS = st.sampled_from(("192.168.0.0/24", "172.16.0.0/12", "198.51.100.0/24"))
WEIGHTS = st.sampled_from((0, 100))
#: What ``ModifyVpnConnectionAttribute`` and others say of an attachment.
NO_CONNECTION = 404, "InvalidVpnConnectionInstanceId.NotFound"


class Attachments(Connections):
    """Connections without a gateway, which nothing carries."""

    @rule(who=WHO, first=AT, second=AT, dual=st.booleans(), key=KEYS, tag=TAGS, dry=st.booleans())
    def create_attachment(
        self, who: int, first: int, second: int, dual: bool, key: str | None, tag: str | None, dry: bool
    ) -> None:
        model = self.models[who]
        one, other = self._one_of(model.customers, first), self._one_of(model.customers, second)
        if one is None or other is None:
            return
        customers = [one, other] if dual else [one]
        ike = {"TunnelIkeConfig": {"Psk": key}}
        tunnels = (
            {"TunnelOptionsSpecification": json.dumps([{"CustomerGatewayId": each.id, **ike} for each in customers])}
            if dual
            else {"CustomerGatewayId": one.id, "IkeConfig": json.dumps({"Psk": key})}
        )
        tagged = {"Tags.1.Key": "colour", "Tags.1.Value": tag} if tag else {}
        expected = model.may_attach() or ((400, "DryRunOperation") if dry else None)
        subnets = {"LocalSubnet": "10.0.0.0/16", "RemoteSubnet": "192.168.0.0/24"}
        answer = self._attempt(who, expected, "CreateVpnAttachment", **subnets, **tunnels, **tagged, DryRun=dry)
        if answer:
            keys = {1: key, 2: key} if dual else {1: key}
            model.attachments.append(Attachment(answer["VpnConnectionId"], "", "192.168.0.0/24", customers, keys, tag))

    @rule(
        who=WHO, at=AT, name=st.sampled_from((None, "branch")), index=st.sampled_from((1, 2)), key=KEYS, remote=REMOTES
    )
    def modify_attachment(self, who: int, at: int, name: str | None, index: int, key: str | None, remote: str) -> None:
        attachment = self._one_of(self.models[who].attachments, at)
        if attachment is None:
            return
        if len(attachment.customers) == 1:
            index, tunnel = 1, {"IkeConfig": json.dumps({"Psk": key})}
        else:
            tunnel = {f"{TUNNEL}.TunnelIndex": str(index), f"{TUNNEL}.TunnelIkeConfig.Psk": key or ""}
        named = {"VpnConnectionId": attachment.id, "Name": name, "RemoteSubnet": remote}
        self._attempt(who, None, "ModifyVpnAttachmentAttribute", **named, **(tunnel if key else {}))
        attachment.name, attachment.remote = name or attachment.name, remote
        attachment.keys[index] = key or attachment.keys[index]
        self._attempt(who, NO_CONNECTION, "ModifyVpnConnectionAttribute", **named)

    @rule(who=WHO, at=AT)
    def delete_attachment(self, who: int, at: int) -> None:
        model = self.models[who]
        attachment = self._one_of(model.attachments, at)
        if attachment is not None:
            self._attempt(who, NO_CONNECTION, "DeleteVpnConnection", VpnConnectionId=attachment.id)
            self._attempt(who, None, "DeleteVpnAttachment", VpnConnectionId=attachment.id)
            model.attachments.remove(attachment)

    @rule(who=WHO, at=AT, destination=VCO_DESTINATIONS, weight=WEIGHTS)
    def create_vco_route(self, who: int, at: int, destination: str, weight: int) -> None:
        model = self.models[who]
        attachment = self._one_of(model.attachments, at)
        if attachment is None:
            return
        expected = model.may_create_vco_route(attachment, destination)
        if self._attempt(who, expected, "CreateVcoRouteEntry", **self._route(attachment, destination, weight)):
            attachment.routes[destination] = weight

    @rule(who=WHO, at=AT, destination=VCO_DESTINATIONS, weight=WEIGHTS, new=st.sampled_from((None, 0, 100)))
    def change_vco_route(self, who: int, at: int, destination: str, weight: int, new: int | None) -> None:
        """Give a route another weight, or delete it."""
        attachment = self._one_of(self.models[who].attachments, at)
        if attachment is None:
            return
        expected = None if attachment.routes.get(destination) == weight else (404, "InvalidRouteEntry.NotFound")
        action = "DeleteVcoRouteEntry" if new is None else "ModifyVcoRouteEntryWeight"
        named = self._route(attachment, destination, weight)
        if not self._attempt(who, expected, action, **named, **({} if new is None else {"NewWeight": new})):
            return
        if new is None:
            del attachment.routes[destination]
        else:
            attachment.routes[destination] = new

    def _route(self, attachment: Attachment, destination: str, weight: int) -> dict[str, Any]:
        named = {"VpnConnectionId": attachment.id, "NextHop": attachment.id}
        return {**named, "RouteDest": destination, "Weight": weight}

    def _check_attachments(self, cell: Cell, model: Account) -> None:
        listed = cell.call("DescribeVpnConnections", PageSize=50)
        assert listed["TotalCount"] == len(model.connections) + len(model.attachments)
        told = {each["VpnConnectionId"]: each for each in listed["VpnConnections"]["VpnConnection"]}
        for attachment in model.attachments:
            found = told[attachment.id]
            assert (found["AttachType"], found["State"]) == ("NO_ASSOCIATED", "init")
            assert (found["Name"], found["RemoteSubnet"]) == (attachment.name, attachment.remote)
            assert found["Status"] == "ike_sa_not_established"
            ends = found["TunnelOptionsSpecification"]["TunnelOptions"] if len(attachment.customers) == 2 else []
            peers = [end["CustomerGatewayId"] for end in ends] or [found["CustomerGatewayId"]]
            assert peers == [each.id for each in attachment.customers]
            keys = [end["TunnelIkeConfig"]["Psk"] for end in ends] or [found["IkeConfig"]["Psk"]]
            for key, wanted in zip(keys, attachment.keys.values(), strict=True):
                assert key == wanted if wanted else len(key) == 16
            routes = cell.call("DescribeVcoRouteEntries", VpnConnectionId=attachment.id)
            assert {each["RouteDest"]: each["Weight"] for each in routes["VcoRouteEntries"]} == attachment.routes
            assert routes["TotalCount"] == len(attachment.routes)
            tagged = {tag["Key"]: tag["Value"] for tag in found["Tag"]["Tag"]}
            assert tagged == ({"colour": attachment.tag} if attachment.tag else {})
