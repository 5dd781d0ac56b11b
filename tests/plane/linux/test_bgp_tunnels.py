"""BGP with a customer through a real IPsec tunnel: routes both ways, and sessions told as they change."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane, bird
from gatewright.resources.troubles import Cause
from gatewright.resources.tunnel_states import BgpStatus, TunnelStatus
from gatewright.resources.tunnels import BgpSpec
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, kill, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import gateway, machine
from tests.plane.linux.test_routes_by_bird import bird_of
from tests.plane.linux.tunnel_watch import Heard, opened, play
from tests.support.patience import patience

pytestmark = pytest.mark.usefixtures("carried_by")

_CONFIG = """
router id 169.254.1.2;
protocol device { }
protocol kernel { ipv4 { import none; export where proto = "the_gateway"; }; }
protocol bfd { interface "ipsec0" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }; }
protocol static networks_here { ipv4; route 172.16.1.0/24 blackhole; }
protocol bgp the_gateway {
  local 169.254.1.2 as 65010; neighbor 169.254.1.1 as 65001; direct; bfd yes;
  connect retry time 1; connect delay time 1; error wait time 1, 2;
  ipv4 { import all; export where proto = "networks_here"; };
}
"""
BGP = BgpSpec(
    local_asn=65001,
    peer_asn=65010,
    network="169.254.1.0/30",
    local_address="169.254.1.1",
    peer_address="169.254.1.2",
)


@contextlib.contextmanager
def speaking(site: Customer, *, own: int = 65010, ours: int = 65001) -> Iterator[None]:
    """The customer's router speaks BGP inside the tunnel, with these AS numbers of its own and of the gateway."""
    site.router.ip("address", "replace", "169.254.1.2/30", "dev", "ipsec0")
    config = _CONFIG.replace("as 65010", f"as {own}").replace("as 65001", f"as {ours}")
    (site.folder / "bird.conf").write_text(config)
    files = ["-c", str(site.folder / "bird.conf"), "-s", str(site.folder / "bird.ctl")]
    with subprocess.Popen(["ip", "netns", "exec", site.router.name, bird.EXECUTABLE, "-f", *files]) as process:
        try:
            yield
        finally:
            process.terminate()


def test_routes_come_and_go_with_the_session_and_its_state_is_told(lab: Lab, machines: Machines) -> None:
    spec = gateway(tunnel(bgp=BGP), vpn_routes=())
    heard = Heard()

    async def session_is(status: BgpStatus) -> None:
        await heard.until(lambda: (last := heard.last("tun-1")) is not None and last.bgp is status, 20)

    async def learned(*destinations: str) -> None:
        """Wait until these are told to be announced."""

        def told() -> bool:
            last = heard.last("tun-1")
            return last is not None and tuple(each.destination for each in last.learned) == destinations

        await heard.until(told, 20)
        last = heard.last("tun-1")
        assert last is not None
        assert all((each.as_path, each.community) == ("65010", "") and each.at for each in last.learned)

    async def main() -> None:
        async with asyncio.timeout(patience(60)), opened(lab, heard) as (plane, _):
            await scenario(plane)
        # whoever comes next finds it as it is, and says so
        heard.states.clear()
        before = bird_of(lab, spec)
        async with asyncio.timeout(patience(30)), opened(lab, heard) as (plane, _):
            await plane.apply(spec)
            await session_is(BgpStatus.UP)
            assert bird_of(lab, spec) == before
            kill(bird_of(lab, spec))
            await session_is(BgpStatus.DOWN)
            await plane.apply(spec)
            await session_is(BgpStatus.UP)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        await heard.status("tun-1", TunnelStatus.IPSEC_SA_ESTABLISHED)
        await session_is(BgpStatus.UP)
        await heard.until(lambda: any("BGP session with 169.254.1.2 is up" in line.text for line in heard.lines))
        await learned("172.16.1.0/24")
        # what the two tell each other follows the session
        while not await asyncio.to_thread(inside.reaches, site.inside):
            pass  # it has waited for an answer
        assert await asyncio.to_thread(site.host.reaches, "10.9.1.20")
        # the session is in the tunnel: it goes with it
        await asyncio.to_thread(site.terminate)
        await session_is(BgpStatus.DOWN)
        await learned()
        await session_is(BgpStatus.UP)
        await learned("172.16.1.0/24")

    with contextlib.ExitStack() as stack:
        address = "198.51.100.50/24"

        async def prepare() -> None:
            async with opened(lab, heard) as (plane, _):
                await plane.apply(vswitch())
                await plane.apply(gateway())

        asyncio.run(prepare())
        site = stack.enter_context(customer(machines, lab.names.uplink.name, address, "172.16.1.0/24"))
        site.answer(spec.tunnels[0])
        inside = machine(machines, lab)
        stack.enter_context(speaking(site))
        asyncio.run(main())


def test_a_session_that_does_not_come_up_says_why(lab: Lab, machines: Machines) -> None:
    spec = gateway(tunnel(bgp=BGP), vpn_routes=())

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        async def found(cause: Cause) -> str:
            def told() -> bool:
                last = heard.last("tun-1")
                return last is not None and any(each.cause == cause for each in last.troubles)

            await heard.until(told, 20)
            last = heard.last("tun-1")
            assert last is not None
            # it carries, and says nothing else of that
            assert (last.status, last.bgp, last.detail) == (TunnelStatus.IPSEC_SA_ESTABLISHED, BgpStatus.DOWN, "")
            return next(each.line for each in last.troubles if each.cause == cause)

        await plane.apply(vswitch())
        await plane.apply(gateway())
        with contextlib.ExitStack() as stack:
            address = "198.51.100.50/24"
            site = stack.enter_context(customer(machines, lab.names.uplink.name, address, "172.16.1.0/24"))
            site.answer(spec.tunnels[0])
            await plane.apply(msgspec.structs.replace(spec, generation=2))
            # nobody speaks it there
            await found(Cause.BGP)
            with speaking(site, own=65099):
                assert "peer AS" in await found(Cause.BGP_PEER_ASN)
            with speaking(site, ours=65002):
                assert await found(Cause.BGP_LOCAL_ASN)

    play(lab, scenario)
