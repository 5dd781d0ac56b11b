"""From the API to packets: what operations say of routes is compiled, applied by the plane, and pinged through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, Spec, Tombstone
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.store import hosts
from tests.plane.linux.customer import customer
from tests.plane.linux.lab import PSK, Lab
from tests.plane.linux.machines import Machines
from tests.plane.linux.tunnel_watch import Heard, play
from tests.support.cell import Cell, sqlite_url
from tests.support.site import HERE, Site

pytestmark = pytest.mark.usefixtures("carried_by")

DEVICE, OFFICE = "198.51.100.50", "172.16.1.0/24"
_IKE = {"Psk": PSK, "IkeVersion": "ikev2", "IkeAuthAlg": "sha256", "IkePfs": "group14"}
_IPSEC = {"IpsecAuthAlg": "sha256", "IpsecPfs": "group14"}


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Site]:
    """A gateway whose public address is on the plane's uplink."""
    with Cell(sqlite_url(tmp_path), public_pool="198.51.100.0/24") as cell:
        yield Site(cell)


def wanted(site: Site) -> dict[ItemKey, Spec]:
    """What hosts are to run, as the control plane tells an agent."""
    items = site.cell.run(site.cell.control_plane.changes(hosts.LOCAL, 0, 0)).items
    return {item.key: item for item in items if not isinstance(item, Tombstone)}


def test_a_route_carries_packets_from_the_vpc_to_a_customer_while_it_is_published(
    asked: Site, lab: Lab, machines: Machines
) -> None:
    office = asked.connection(
        peer=DEVICE, EffectImmediately=True, IkeConfig=json.dumps(_IKE), IpsecConfig=json.dumps(_IPSEC)
    )
    published = asked.route(office, RouteDest=OFFICE, PublishVpc=True)
    unpublished = {**published, "PublishVpc": False}
    policy = asked.policy(office, RouteDest=OFFICE, PublishVpc=True)
    asked.cell.call("CreateVpnRouteEntry", **published)

    async def apply(plane: LinuxPlane) -> InstanceSpec:
        for kind in (Kind.VSWITCH, Kind.INSTANCE, Kind.ROUTER):
            for key, spec in wanted(asked).items():
                if key.kind is kind:
                    await plane.apply(spec)
        return asked.spec()

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        spec = await apply(plane)
        (tunnel,) = spec.tunnels
        with customer(machines, lab.names.uplink.name) as site:
            site.answer(tunnel)
            site.route(HERE)
            bridge = lab.names.vswitch(spec.private.vswitch_id).name
            inside = machines.plug(bridge, "10.0.0.20/24", "10.0.0.253")
            await heard.status(tunnel.id, TunnelStatus.IPSEC_SA_ESTABLISHED)
            assert inside.reaches(site.inside), site.log()
            assert site.host.reaches("10.0.0.20"), site.log()

            asked.cell.call("PublishVpnRouteEntry", **unpublished, RouteType="dbr")
            asked.settled()
            await apply(plane)
            assert not inside.reaches(site.inside)

            asked.cell.call("DeleteVpnRouteEntry", **published)
            asked.cell.call("CreateVpnPbrRouteEntry", **policy)
            asked.settled()
            await apply(plane)
            assert inside.reaches(site.inside), site.log()

            asked.cell.call("DeleteVpnConnection", VpnConnectionId=office)
            asked.settled()
            await apply(plane)
            assert not inside.reaches(site.inside)

    play(lab, scenario)
