"""What this host can do: everything that the plane uses or could use, looked at and tried."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.findings import Finding, Report, State
from gatewright.plane.linux import esp, netns, ports, trials
from gatewright.plane.linux.charon import EXECUTABLE
from gatewright.plane.linux.host_check import PLUGIN_PACKAGES, PLUGINS, requirements

#: Below these something is worth a warning: bytes free for state and for files of what runs, open files, namespaces.
_ROOM = 100 * 2**20
_RUN_ROOM = 20 * 2**20
_FILES = 4096
_NAMESPACES = 512
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+)")
_UNSEEN = "only root may try it"


def examine(data: Path, host: str, port: int, uplink: str = "") -> Report:
    """Look at this host, for a service with this data directory and listening address. Changes nothing.

    ``uplink`` is the interface of the host that the public pool is on, empty for a bridge of our own.
    """
    problems = tuple(requirements())
    findings = [*_kernel(), *_esp(), *_tried("Bandwidth (tc)"), *_tried("Packet filters (nft)"), *_programs()]
    findings += _ports(host, port, uplink)
    findings += [_files(), _room("data directory", data, _ROOM), _room("runtime folder", Path("/run"), _RUN_ROOM)]
    packages = sorted({each.package for each in findings if each.state is State.MISSING and each.package})
    return Report(ready=not problems, problems=problems, findings=tuple(findings), install=install_command(packages))


def install_command(packages: list[str]) -> str:
    """A command for root's shell that installs Debian packages and starts none of their services.

    Debian starts what it installs unless policy-rc.d says no (invoke-rc.d(8)). One that is there is left as it is.
    Debian's own BIRD would start with the machine all the same: it is switched off if it comes by this command.
    """
    if not packages:
        return ""
    off = " && update-rc.d bird disable" if "bird2" in packages else ""
    return (
        "sh -c 'p=/usr/sbin/policy-rc.d\n"
        '[ -e $p ] || { trap "rm -f $p" EXIT; trap "exit 1" HUP INT TERM\n'
        'printf "#!/bin/sh\\nexit 101\\n" >$p; chmod 755 $p; }\n'
        f"apt-get install -y --no-install-recommends {' '.join(packages)}{off}'"
    )


def _root() -> bool:
    return os.geteuid() == 0


def _in_thread(job: Callable[[], Finding]) -> Finding:
    with ThreadPoolExecutor(1) as worker:
        return worker.submit(job).result()


def _tried(area: str) -> Iterator[Finding]:
    for trial in trials.TRIALS:
        if trial.area == area:
            if _root():
                yield _in_thread(lambda trial=trial: trials.run(trial))  # type: ignore[misc]  # bound at once
            else:
                yield Finding(area=area, name=trial.name, state=State.UNSEEN, found=_UNSEEN)


def _kernel() -> Iterator[Finding]:
    area = "Kernel"
    modules = "" if trials.loadable() else ", without loadable modules"
    yield Finding(area=area, name="version", state=State.INFORMATION, found=f"{os.uname().release}{modules}")
    yield _in_thread(_namespaces)
    yield from _tried(area)


def _namespaces() -> Finding:
    area, name = "Kernel", "network namespaces"
    most = Path("/proc/sys/user/max_net_namespaces")
    limit = int(most.read_text()) if most.exists() else 0
    if not _root():
        return Finding(area=area, name=name, state=State.UNSEEN, found=_UNSEEN)
    try:
        with netns.temporary():
            pass
    except OSError as error:
        hint = "raise user.max_net_namespaces" if limit == 0 else "needs CAP_SYS_ADMIN, and CONFIG_NET_NS in the kernel"
        return Finding(area=area, name=name, state=State.MISSING, found=str(error), advice=hint)
    found = f"{len(netns.listing())} in use by name, {limit} allowed"
    if limit < _NAMESPACES:
        advice = f"sysctl user.max_net_namespaces={_NAMESPACES} or more: a gateway takes two, and one a connection"
        return Finding(area=area, name=name, state=State.WARNING, found=found, advice=advice)
    return Finding(area=area, name=name, state=State.OK, found=found)


def _esp() -> Iterator[Finding]:
    area = "ESP"
    if not _root():
        for name in esp.Backend:
            yield Finding(area=area, name=name, state=State.UNSEEN, found=_UNSEEN)
        return
    used = _backend()
    how = "modprobe -a esp4 xfrm_interface" if trials.loadable() else "CONFIG_INET_ESP and CONFIG_XFRM_INTERFACE"
    if used is esp.Backend.KERNEL:
        yield Finding(area=area, name="kernel", state=State.OK, found="in use: ESP and XFRM interfaces")
    else:
        found = "this kernel has no ESP or no XFRM interfaces"
        yield Finding(area=area, name="kernel", state=State.INFORMATION, found=found, advice=f"it is the faster: {how}")
    plugin = "kernel-libipsec"
    if PLUGINS.is_dir() and not (PLUGINS / f"libstrongswan-{plugin}.so").exists():
        state = State.INFORMATION if used is esp.Backend.KERNEL else State.MISSING
        package = PLUGIN_PACKAGES[plugin]
        yield Finding(area=area, name="userspace", state=state, found=f"without the plugin {plugin}", package=package)
    elif used is esp.Backend.USERSPACE:
        yield Finding(area=area, name="userspace", state=State.OK, found="in use: charon's own over TUN")
    elif used is None:
        how = "modprobe tun" if trials.loadable() else "CONFIG_TUN"
        yield Finding(area=area, name="userspace", state=State.MISSING, found="there is no /dev/net/tun", advice=how)
    else:
        yield Finding(area=area, name="userspace", state=State.INFORMATION, found="not needed")


def _backend() -> esp.Backend | None:
    def try_it() -> esp.Backend | None:
        try:
            return esp.backend()
        except PlaneError:
            return None  # then requirements() says why

    with ThreadPoolExecutor(1) as worker:
        return worker.submit(try_it).result()


def _programs() -> Iterator[Finding]:
    yield _in_thread(_charon)
    yield _plugins()
    for name, package, used, arguments in (
        ("ip", "iproute2", True, ("-V",)),
        ("tc", "iproute2", True, ("-V",)),
        ("nft", "nftables", True, ("--version",)),
        ("setpriv", "util-linux", True, ("--version",)),
        ("bird", "bird2", True, ("--version",)),
        ("openvpn", "openvpn", False, ("--version",)),
    ):
        yield _program(name, package, used, arguments)


def _charon() -> Finding:
    area, name, package = "Programs", "charon-systemd", "charon-systemd"
    if not Path(EXECUTABLE).exists():
        return Finding(
            area=area, name=name, state=State.MISSING, found="not installed", advice="for IPsec-VPN", package=package
        )
    if not _root():
        return Finding(area=area, name=name, state=State.UNSEEN, found=f"{EXECUTABLE} is there; {_UNSEEN}")
    try:
        version = trials.charon_starts()
    except PlaneError as error:
        return Finding(
            area=area, name=name, state=State.WARNING, found=str(error), advice="no gateway with IPsec-VPN would start"
        )
    return Finding(area=area, name=name, state=State.OK, found=f"{version}, started and ended")


def _plugins() -> Finding:
    area, name = "Programs", "strongSwan plugins"
    wanted = ("openssl", "gcm", "vici", "kernel-netlink")
    if not PLUGINS.is_dir():
        missing = Path(EXECUTABLE).exists()
        return Finding(
            area=area,
            name=name,
            state=State.UNSEEN if missing else State.MISSING,
            found=f"there is no {PLUGINS}: built in, or not installed",
        )
    absent = [plugin for plugin in wanted if not (PLUGINS / f"libstrongswan-{plugin}.so").exists()]
    if absent:
        package = PLUGIN_PACKAGES[absent[0]]
        return Finding(area=area, name=name, state=State.MISSING, found=f"without {', '.join(absent)}", package=package)
    count = len(list(PLUGINS.glob("libstrongswan-*.so")))
    return Finding(area=area, name=name, state=State.OK, found=f"{', '.join(wanted)} and {count - len(wanted)} more")


def _program(name: str, package: str, used: bool, arguments: tuple[str, ...]) -> Finding:
    area = "Programs"
    # a user's path has no sbin on Debian; root's is as it is for the plane
    path = shutil.which(name, path=None if _root() else f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None and not used:
        return Finding(area=area, name=name, state=State.INFORMATION, found="not installed, and not used yet")
    if path is None:
        return Finding(area=area, name=name, state=State.MISSING, found="not installed", package=package)
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(area=area, name=name, state=State.WARNING, found=f"{path} does not run: {error}")
    version = _VERSION.search(done.stdout + done.stderr)
    found = version[1] if version else path
    return Finding(area=area, name=name, state=State.OK, found=found if used else f"{found}; not used yet")


def _ports(host: str, port: int, uplink: str) -> Iterator[Finding]:
    area = "Ports of this host"
    for number in (500, 4500):
        name, others = f"UDP {number}", ports.listeners("udp", number)
        if not others:
            yield Finding(area=area, name=name, state=State.OK, found="nobody listens")
        elif uplink:
            yield Finding(
                area=area,
                name=name,
                state=State.WARNING,
                found=f"{', '.join(others)} listens, and the uplink {uplink} is the host's own interface",
                advice="it answers for the host's own addresses: keep them out of the public pool",
            )
        else:
            yield Finding(
                area=area,
                name=name,
                state=State.INFORMATION,
                found=f"{', '.join(others)} listens: in nobody's way, gateways have ports of their own",
            )
    name = f"TCP {port}"
    others = ports.listeners("tcp", port) if port else []
    if others:
        advice = f"for the API at {host}:{port}: end it, or choose another with --listen"
        yield Finding(area=area, name=name, state=State.WARNING, found=f"{', '.join(others)} listens", advice=advice)
    else:
        yield Finding(area=area, name=name, state=State.OK, found="free for the API")


def _files() -> Finding:
    area, name = "Room", "open files"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        advice = f"ulimit -Hn {_FILES}, or LimitNOFILE={_FILES} in the unit: connections and daemons take one each"
        return Finding(area=area, name=name, state=State.WARNING, found=f"{hard} at most", advice=advice)
    return Finding(
        area=area,
        name=name,
        state=State.OK,
        found=f"{soft}, {'any number' if hard == resource.RLIM_INFINITY else hard} at most",
    )


def _room(name: str, path: Path, wanted: int) -> Finding:
    area = "Room"
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
        system = os.statvfs(there)
    except OSError as error:
        return Finding(area=area, name=name, state=State.UNSEEN, found=f"{path}: {error.strerror}")
    free = system.f_bavail * system.f_frsize
    where = str(path) if there == path else f"{path} (to be made)"
    if system.f_flag & os.ST_RDONLY:
        return Finding(area=area, name=name, state=State.MISSING, found=f"{where} is on a read-only file system")
    found = f"{where}: {free // 2**20} MB free"
    # a file system without a number of files of its own tells 0 of 0
    if free < wanted or (system.f_files and system.f_favail < 1000):
        advice = f"make room: {wanted // 2**20} MB and 1000 files at least"
        return Finding(area=area, name=name, state=State.WARNING, found=found, advice=advice)
    return Finding(area=area, name=name, state=State.OK, found=found)
