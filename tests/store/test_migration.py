"""A database of the first version, with what an installation had in it, means the same after the upgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from gatewright.operations.call import Quotas
from gatewright.resources.specs import RouterSpec, VSwitchSpec
from gatewright.secrets import Place, Sealer
from gatewright.store import route_tables
from gatewright.store.backends import backend_of
from gatewright.store.dialects import SQLITE
from gatewright.store.upgrade import HEAD, MIGRATIONS, prepare
from tests.support.cell import ACCOUNT, Cell

OTHER = "6543210987654321"
CREATED = 1_799_000_000_000
CREATED_TEXT = "2027-01-03T18:13:20Z"
GROUP = f"rg-{ACCOUNT}"
VPC, EMPTY, ELSEWHERE, OTHERS = "vpc-bp1one", "vpc-bp1empty", "vpc-2zeelse", "vpc-bp1others"
FIRST, SECOND = "vsw-bp1first", "vsw-bp1second"
EDGE, LEAVING = "vpn-bp1edge", "vpn-bp1leaving"
#: 10.0.0.1, 10.0.1.1 and 240.0.0.2 onwards.
PRIVATE, PUBLIC = (0x0A000001, 0x0A000101), 0xF0000002


class Older:
    """A database at migration 0001, written to in plain SQL as its version did."""

    def __init__(self, url: str) -> None:
        backend = backend_of(url)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("sqlalchemy.url", backend.url.replace("%", "%%"))
        command.upgrade(config, "0001")
        self._connection: Any = backend.connect(read_only=False)
        self._mark = "?" if backend.flavour == SQLITE else "%s"
        self._backend = backend

    def insert(self, table: str, **values: Any) -> None:
        names, marks = ", ".join(values), ", ".join([self._mark] * len(values))
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            list(values.values()),
        )

    def vpc(self, vpc_id: str, block: str, *, account: str = ACCOUNT, region: str = "cn-hangzhou", name: str) -> None:
        body = vpc_id.partition("-")[2]
        self.insert(
            "vpcs",
            id=vpc_id,
            account_id=account,
            region_id=region,
            cidr_block=block,
            name=name,
            description=f"{name}'s network",
            user_cidrs="10.9.0.0/16",
            vrouter_id=f"vrt-{body}",
            route_table_id=f"vtb-{body}",
            status="Available",
            created_at=CREATED,
        )

    def vswitch(self, vswitch_id: str, zone: str, block: str, first: int, used: int) -> None:
        self.insert(
            "vswitches",
            id=vswitch_id,
            account_id=ACCOUNT,
            region_id="cn-hangzhou",
            vpc_id=VPC,
            zone_id=zone,
            cidr_block=block,
            name=zone,
            description="",
            status="Available",
            created_at=CREATED,
        )
        self.insert("pools", id=vswitch_id, network=block, first=first, last=first + 251, next=first + used, used=used)
        self.place("vswitch", vswitch_id, vswitch_id, tombstone=False)

    def place(self, kind: str, item: str, resource: str, *, tombstone: bool) -> None:
        self.insert(
            "placements",
            kind=kind,
            item_id=item,
            host_id="local",
            account_id=ACCOUNT,
            resource_id=resource,
            revision=7,
            wanted=1,
            tombstone=tombstone,
            observed=1,
            phase="ready",
            detail="",
        )

    def gateway(self, gateway_id: str, order: int, public: tuple[int | None, ...], status: str, *, nth: int) -> None:
        """The nth dual-tunnel gateway, with its instances' public addresses and SSL-VPN's."""
        *addresses, ssl_address = public
        self.insert(
            "vpn_gateways",
            id=gateway_id,
            account_id=ACCOUNT,
            region_id="cn-hangzhou",
            vpc_id=VPC,
            vswitch_id=FIRST,
            disaster_recovery_vswitch_id=SECOND,
            name=gateway_id,
            description="the way out",
            bandwidth=200,
            network_type="public" if addresses[0] else "private",
            vpn_type="Normal",
            enable_ipsec=True,
            enable_ssl=ssl_address is not None,
            ssl_connections=5 if ssl_address is not None else 0,
            ssl_address=ssl_address,
            auto_propagate=False,
            charge_type="POSTPAY",
            order_id=order,
            status=status,
            generation=1,
            created_at=CREATED,
            ends_at=None,
        )
        self.insert(
            "orders",
            id=order,
            account_id=ACCOUNT,
            resource_id=gateway_id,
            charge_type="POSTPAY",
            period=None,
            status="Paid",
            created_at=CREATED,
        )
        for number, role, vswitch, zone in (
            (0, "master", FIRST, "cn-hangzhou-k"),
            (1, "slave", SECOND, "cn-hangzhou-j"),
        ):
            instance = f"{gateway_id}-{number + 1}"
            self.insert(
                "instances",
                id=instance,
                gateway_id=gateway_id,
                role=role,
                zone_id=zone,
                vswitch_id=vswitch,
                private_address=PRIVATE[number] + nth,
                public_address=addresses[number],
            )
            self.place("instance", instance, gateway_id, tombstone=status == "deleting")

    def fill(self) -> None:
        sealed = Sealer(b"k" * 32).seal("secret", Place("access_keys", "test", "secret"))
        for account in (ACCOUNT, OTHER):
            self.insert("accounts", id=account, created_at=CREATED)
        self.insert(
            "access_keys",
            id="test",
            account_id=ACCOUNT,
            secret=sealed,
            first_administrator=True,
            created_at=CREATED,
        )
        self.insert("hosts", id="local", revision=7)
        self.insert(
            "pools",
            id="public:240.0.0.0/8",
            network="240.0.0.0/8",
            first=PUBLIC,
            last=0xF0FFFFFE,
            next=PUBLIC + 3,
            used=3,
        )
        self.vpc(VPC, "10.0.0.0/8", name="one")
        self.vpc(EMPTY, "192.168.0.0/16", name="empty")
        self.vpc(ELSEWHERE, "172.16.0.0/12", region="cn-beijing", name="elsewhere")
        self.vpc(OTHERS, "172.16.0.0/12", account=OTHER, name="others")
        self.vswitch(FIRST, "cn-hangzhou-k", "10.0.0.0/24", PRIVATE[0], 2)
        self.vswitch(SECOND, "cn-hangzhou-j", "10.0.1.0/24", PRIVATE[1], 2)
        self.gateway(EDGE, 1001, (PUBLIC, PUBLIC + 1, PUBLIC + 2), "active", nth=0)
        self.gateway(LEAVING, 1002, (None, None, None), "deleting", nth=1)
        self.insert("counters", account_id=ACCOUNT, kind="vpn_gateway", region_id="cn-hangzhou", count=2)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    return empty_database_url


@pytest.fixture
def upgraded(database_url: str, make_cell: Callable[..., Cell]) -> Callable[..., Cell]:
    """Makes services on a database that was of the first version and full."""
    older = Older(database_url)
    older.fill()
    older.close()
    prepare(backend_of(database_url))
    return make_cell


def test_the_upgrade_leads_to_the_newest_version_and_happens_once(
    upgraded: Callable[..., Cell], database_url: str
) -> None:
    prepare(backend_of(database_url))
    connection: Any = backend_of(database_url).connect(read_only=True)
    assert [tuple(row) for row in connection.execute("SELECT version_num FROM alembic_version")] == [(HEAD,)]
    for table, count in (("resource_groups", 2), ("route_tables", 4), ("vpcs", 4), ("vswitches", 2)):
        found = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        assert found[0] == count
    connection.close()
    assert upgraded().call("DescribeVpcs")["TotalCount"] == 2


def test_vpcs_and_vswitches_are_what_they_were(upgraded: Callable[..., Cell]) -> None:
    cell = upgraded()
    vpc = cell.call("DescribeVpcAttribute", VpcId=VPC)
    assert (vpc["VpcName"], vpc["Description"], vpc["CidrBlock"]) == ("one", "one's network", "10.0.0.0/8")
    assert (vpc["Status"], vpc["CreationTime"], vpc["VRouterId"]) == ("Available", CREATED_TEXT, "vrt-bp1one")
    assert (vpc["IsDefault"], vpc["ResourceGroupId"]) == (False, GROUP)
    assert vpc["UserCidrs"] == {"UserCidr": ["10.9.0.0/16"]}
    assert vpc["SecondaryCidrBlocks"] == {"SecondaryCidrBlock": []}
    assert sorted(vpc["VSwitchIds"]["VSwitchId"]) == [FIRST, SECOND]
    assert vpc["Tags"] == {"Tag": []}
    listed = {each["VpcId"]: each for each in cell.call("DescribeVpcs", ResourceGroupId=GROUP)["Vpcs"]["Vpc"]}
    assert {vpc_id: each["RouterTableIds"] for vpc_id, each in listed.items()} == {
        VPC: {"RouterTableIds": ["vtb-bp1one"]},
        EMPTY: {"RouterTableIds": ["vtb-bp1empty"]},
    }
    tables = cell.run(
        cell.database.read(lambda transaction: route_tables.of_vpcs(transaction, [VPC, ELSEWHERE, OTHERS]))
    )
    assert {(table.account_id, table.region_id, table.type, table.propagation) for table in tables} == {
        (ACCOUNT, "cn-hangzhou", "System", True),
        (ACCOUNT, "cn-beijing", "System", True),
        (OTHER, "cn-hangzhou", "System", True),
    }
    assert cell.call("DescribeVpcs", RegionId="cn-beijing")["Vpcs"]["Vpc"][0]["VpcId"] == ELSEWHERE
    assert cell.refusal("DescribeVpcAttribute", VpcId=OTHERS).status == 404
    vswitch = cell.call("DescribeVSwitchAttributes", VSwitchId=FIRST)
    assert (vswitch["Status"], vswitch["CidrBlock"], vswitch["ZoneId"]) == ("Available", "10.0.0.0/24", "cn-hangzhou-k")
    assert (vswitch["IsDefault"], vswitch["ResourceGroupId"]) == (False, GROUP)
    assert vswitch["RouteTable"] == {"RouteTableId": "vtb-bp1one", "RouteTableType": "System"}


def test_gateways_are_what_they_were_and_those_that_were_leaving_leave(upgraded: Callable[..., Cell]) -> None:
    cell = upgraded()
    cell.until_gone(LEAVING)
    gateway = cell.until_status(EDGE, "active")
    assert (gateway["Name"], gateway["Description"], gateway["Spec"]) == (EDGE, "the way out", "200M")
    assert (gateway["ResourceGroupId"], gateway["CreateTime"]) == (GROUP, CREATED)
    assert (gateway["InternetIp"], gateway["DisasterRecoveryInternetIp"]) == ("240.0.0.2", "240.0.0.3")
    assert gateway["SslVpnInternetIp"] == "240.0.0.4"
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 1
    # The one that left gave its two addresses back.
    for vswitch in (FIRST, SECOND):
        assert cell.call("DescribeVSwitchAttributes", VSwitchId=vswitch)["AvailableIpAddressCount"] == 251


def test_the_local_host_gets_a_router_for_each_vpc_that_has_vswitches(upgraded: Callable[..., Cell]) -> None:
    cell = upgraded(with_agent=False)
    changes = cell.run(cell.control_plane.changes("local", 7, 0))
    (router,) = changes.items
    assert isinstance(router, RouterSpec)
    assert (router.id, router.account_id, router.generation) == (VPC, ACCOUNT, 1)
    assert [(port.vswitch_id, port.address) for port in router.ports] == [
        (FIRST, "10.0.0.253"),
        (SECOND, "10.0.1.253"),
    ]
    everything = cell.run(cell.control_plane.changes("local", 0, 0)).items
    assert sorted(item.vni for item in everything if isinstance(item, VSwitchSpec)) == [1, 2]
    third = cell.call("CreateVSwitch", VpcId=VPC, ZoneId="cn-hangzhou-k", CidrBlock="10.0.2.0/24")["VSwitchId"]
    assert [
        item.vni
        for item in cell.run(cell.control_plane.changes("local", changes.upto, 0)).items
        if isinstance(item, VSwitchSpec) and item.id == third
    ] == [3]


def test_what_was_used_counts(upgraded: Callable[..., Cell]) -> None:
    cell = upgraded(quotas=Quotas(public_addresses=6, vpn_gateways=3))
    network = (VPC, FIRST, SECOND)
    second = cell.gateway(network)
    described = cell.until_status(second, "active")
    assert (described["InternetIp"], described["DisasterRecoveryInternetIp"]) == ("240.0.0.5", "240.0.0.6")
    wanted = {"VpcId": VPC, "VSwitchId": FIRST, "DisasterRecoveryVSwitchId": SECOND}
    refused = cell.refusal("CreateVpnGateway", **wanted, Bandwidth=10)
    assert (refused.status, refused.code) == (400, "Resource.QuotaFull")
    cell.until_gone(LEAVING)
    private = cell.gateway(network, NetworkType="private", Bandwidth=200)
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 3
    refused = cell.refusal("CreateVpnGateway", **wanted, NetworkType="private", Bandwidth=200)
    assert refused.code == "Resource.QuotaFull"
    cell.until_status(private, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=EDGE)
    cell.until_gone(EDGE)
    # Three public addresses are free again.
    cell.gateway(network, EnableSsl=True)


def test_everything_can_be_changed_added_to_and_taken_away(upgraded: Callable[..., Cell]) -> None:
    cell = upgraded()
    cell.call("AssociateVpcCidrBlock", VpcId=EMPTY, SecondaryCidrBlock="172.30.0.0/16")
    cell.call("ModifyVpcAttribute", VpcId=EMPTY, VpcName="full", CidrBlock="192.168.0.0/17")
    made = [
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-k", CidrBlock=block)["VSwitchId"]
        for vpc, block in ((VPC, "10.0.2.0/24"), (EMPTY, "172.30.1.0/24"))
    ]
    assert cell.refusal("CreateVSwitch", VpcId=VPC, ZoneId="cn-hangzhou-k", CidrBlock="10.0.1.0/25").code == (
        "InvalidCidrBlock.Overlapped"
    )
    cell.until_gone(LEAVING)
    cell.call("DeleteVpnGateway", VpnGatewayId=EDGE)
    cell.until_gone(EDGE)
    for vswitch in (FIRST, SECOND, *made):
        cell.call("DeleteVSwitch", VSwitchId=vswitch)
    for vpc in (VPC, EMPTY):
        cell.call("DeleteVpc", VpcId=vpc)
    cell.until("DescribeVSwitches", lambda answer: answer["TotalCount"] == 0)
    assert cell.call("DescribeVpcs")["TotalCount"] == 0
    # A VPC is gone at once, and its router when its host has let go of it.
    cell.until("DescribeVpcs", lambda _: not cell.plane.items)
