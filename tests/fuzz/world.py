"""Where generated requests are sent: a cell with two accounts that have something each, and what is known of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from gatewright.clock import iso_seconds
from gatewright.operations.call import Quotas
from gatewright.operations.declaration import Operation
from gatewright.resources.addresses import dotted
from tests.fuzz.strategies import EARLIER, MADE_UP, MINE, OTHERS, Case, Known, Raw, Value
from tests.support.cell import HOST, Cell
from tests.support.client import Reply, sign_v1
from tests.support.rows import Rows

#: Fields of answers that end like those of resources and are none, or do not say of what kind.
_NO_RESOURCES = ("RequestId", "RegionId", "ZoneId", "AccountId", "Id")
#: 198.18.0.0: the address of the first customer gateway, apart from those of generated requests.
_FIRST_DEVICE = 0xC6120000
#: In the names of the operations whose connections are attachments.
_OF_ATTACHMENTS = ("Attachment", "CrossAccount", "Vco")
FORM = "application/x-www-form-urlencoded"
_ACCEPTED = {"JSON": "application/json", "XML": "text/xml"}


class World:
    """A service that nothing changes but the requests that are sent to it."""

    def __init__(self, url: str) -> None:
        plenty = Quotas(
            vpn_gateways=10**6,
            public_addresses=10**6,
            vpcs=10**6,
            vswitches=10**6,
            customer_gateways=10**6,
            vpn_connections=10**6,
            vpn_attachments=10**6,
        )
        self.cell = Cell(url, with_agent=False, quotas=plenty)
        self.other = self.cell.other()
        self.rows = Rows(url)
        self._mine: dict[str, str] = {}
        self.others: dict[str, str] = {}
        #: Ids of attachments, by whose they are: those of connections are named alike.
        self._attachments: dict[str, dict[str, str]] = {MINE: {}, OTHERS: {}}
        self._earlier: dict[str, str] = {}
        self._nonce = 0
        self._furnished = 0
        self._unchanged_since: dict[str, str] | None = None
        self.furnish()

    def close(self) -> None:
        self.rows.close()
        self.cell.close()

    def furnish(self) -> None:
        """Give both accounts an ``active`` gateway in a network, with a connection to a customer gateway and routes.

        Besides, an attachment to the same customer gateway, with a route.
        """
        for cell, known, whose in ((self.other, self.others, OTHERS), (self.cell, self._mine, MINE)):
            network = cell.network()
            gateway = cell.gateway(network, EnableSsl=True)
            known |= ids_of(cell.call("DescribeVSwitchAttributes", VSwitchId=network[1]))
            known |= ids_of(cell.call("DescribeVpnGateway", VpnGatewayId=gateway))
            device = cell.customer_gateway(dotted(_FIRST_DEVICE + self._furnished), Asn="65010", AuthKey="of-a-device")
            connection = cell.connection(gateway, device, device)
            known |= ids_of(cell.call("DescribeVpnConnection", VpnConnectionId=connection))
            known["NextHop"] = connection
            route: dict[str, Any] = {
                "VpnGatewayId": gateway,
                "NextHop": connection,
                "RouteDest": "192.168.0.0/24",
                "Weight": 100,
            }
            cell.call("CreateVpnRouteEntry", **route, PublishVpc=True)
            cell.call("CreateVpnPbrRouteEntry", **route, PublishVpc=False, RouteSource="10.0.0.0/24")
            asked = {"VpnGatewayId": gateway, "ResourceType": "IPsec", "ResourceId": connection}
            known["DiagnoseId"] = cell.call("DiagnoseVpnGateway", **asked)["DiagnoseId"]
            attachment = cell.attachment(device, device)
            told = ids_of(cell.call("DescribeVpnConnection", VpnConnectionId=attachment))
            cell.call("CreateVcoRouteEntry", **{**route, "NextHop": attachment, "VpnConnectionId": attachment})
            self._attachments[whose] = {**told, "NextHop": attachment}
        self._furnished += 1
        self.cell.settle(lambda: self._is_active(self.cell, self._mine) and self._is_active(self.other, self.others))
        self._unchanged_since = None

    def _is_active(self, cell: Cell, known: Mapping[str, str]) -> bool:
        answer = cell.call("DescribeVpnGateway", VpnGatewayId=known["VpnGatewayId"])
        vswitch = cell.call("DescribeVSwitchAttributes", VSwitchId=known["VSwitchId"])
        return bool(answer["Status"] == "active" and vswitch["Status"] == "Available")

    def harvest(self, answer: Any) -> None:
        """Remember the ids of an answer to a write."""
        self._earlier |= ids_of(answer)

    def value(self, value: Value, operation: str) -> str:
        """A value as it is sent to an operation."""
        if isinstance(value, Raw):
            raise ValueError("raw bytes stand in the query or form as they are")
        if not isinstance(value, Known):
            return value
        if value.whose == MADE_UP:
            return "made-up-" + value.parameter.lower()
        known = {OTHERS: self.others, EARLIER: self._earlier}.get(value.whose, self._mine)
        attached = {}
        if any(part in operation for part in _OF_ATTACHMENTS) and value.whose in (MINE, OTHERS):
            attached = self._attachments[value.whose]
        # Of what nobody furnished there may be one that an earlier request made.
        for ids in (attached, known, self._earlier, self._mine):
            for name in sorted(ids, key=len, reverse=True):
                if value.parameter.endswith(name):
                    return ids[name]
        return self._mine["VpcId"]

    def send(self, operation: type[Operation[Any, Any]], case: Case, sender: Cell | None = None) -> Reply:
        """Send a request, signed as it should be, by the first account unless it is said whose."""
        pairs = [
            (name, value if isinstance(value, Raw) else self.value(value, operation.name)) for name, value in case.pairs
        ]
        return self.cell.run(self._send(sender or self.cell, operation, case, pairs))

    async def _send(
        self, sender: Cell, operation: type[Operation[Any, Any]], case: Case, pairs: list[tuple[str, str | Raw]]
    ) -> Reply:
        self._nonce += 1
        # Where both have a parameter the body's counts.
        merged = [*pairs[::2], *pairs[1::2]] if case.place == "split" else pairs
        texts = {name: value for name, value in merged if isinstance(value, str)}
        headers = {"content-type": FORM}
        if case.signature == "V1":
            protocol = {
                "Action": operation.name,
                "Version": operation.product.version,
                "Format": case.form,
                "AccessKeyId": sender.key,
                "SignatureMethod": "HMAC-SHA1",
                "SignatureVersion": "1.0",
                "SignatureNonce": f"fuzz-{self._nonce}",
                "Timestamp": iso_seconds(self.cell.clock.now()),
            }
            protocol["Signature"] = sign_v1("POST", {**texts, **protocol}, sender.secret)
            query, body = self._placed(case, pairs)
            body += b"&" * bool(body) + _encoded(list(protocol.items()))
            return await self.cell.http("POST", query, headers, body)
        query, body = self._placed(case, pairs)
        in_query = {} if case.place == "body" else dict(pairs[::2] if case.place == "split" else pairs)
        headers |= {"accept": _ACCEPTED[case.form], **self._v3(sender, operation, in_query, body)}
        return await self.cell.http("POST", query, headers, body)

    def _placed(self, case: Case, pairs: list[tuple[str, str | Raw]]) -> tuple[bytes, bytes]:
        """Query and body."""
        if case.place == "split":
            return _encoded(pairs[::2]), _encoded(pairs[1::2])
        return (b"", _encoded(pairs)) if case.place == "body" else (_encoded(pairs), b"")

    def _v3(
        self, sender: Cell, operation: type[Operation[Any, Any]], in_query: Mapping[str, str | Raw], body: bytes
    ) -> dict[str, str]:
        signed = {
            "host": HOST,
            "x-acs-action": operation.name,
            "x-acs-version": operation.product.version,
            "x-acs-date": iso_seconds(self.cell.clock.now()),
            "x-acs-signature-nonce": f"fuzz-{self._nonce}",
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        names = sorted(signed)
        query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(in_query.items())
            if isinstance(value, str)
        )
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        request = "\n".join(("POST", "/", query, lines, ";".join(names), signed["x-acs-content-sha256"]))
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.new(sender.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        parts = f"Credential={sender.key},SignedHeaders={';'.join(names)},Signature={signature}"
        return {**signed, "authorization": f"ACS3-HMAC-SHA256 {parts}"}

    def before(self) -> dict[str, str]:
        """The database's digests before a request, read anew only when they may have changed."""
        if self._unchanged_since is None:
            self._unchanged_since = self.rows.digests()
        return self._unchanged_since

    def changed(self) -> None:
        """Something may have changed."""
        self._unchanged_since = None


def ids_of(answer: Any) -> dict[str, str]:
    """The ids of resources in an answer, by name."""
    found: dict[str, str] = {}
    if isinstance(answer, list):
        for item in answer:
            found |= ids_of(item)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if name.endswith("Id") and isinstance(value, str) and value and name not in _NO_RESOURCES:
                found[name] = value
            found |= ids_of(value)
    return found


def _encoded(pairs: list[tuple[str, str | Raw]]) -> bytes:
    return b"&".join(
        quote_plus(name).encode() + b"=" + (value.encoded if isinstance(value, Raw) else quote_plus(value).encode())
        for name, value in pairs
    )
