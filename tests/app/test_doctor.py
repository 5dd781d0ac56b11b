"""`gatewright doctor`: what it finds on this host, as root and as nobody, with everything and with things missing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gatewright.cli.doctor import screen
from gatewright.plane.findings import Finding, Report, State
from tests.support.linux import unmet

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it, and hide things from it")


class Told(Report, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `--json` prints."""

    gatewright: str
    root: bool


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return subprocess.run(
        command, env={**clean, **environment}, capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )


def doctor(*arguments: str, before: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    return run(*before, sys.executable, "-m", "gatewright", "doctor", *arguments, **environment)


def told(ended: subprocess.CompletedProcess[str]) -> Told:
    assert ended.stderr == ""
    return msgspec.json.decode(ended.stdout, type=Told)


def states(report: Report) -> dict[str, State]:
    return {finding.name: finding.state for finding in report.findings}


def hiding(*paths: str, read_only: Path) -> tuple[str, ...]:
    """A command in front of another one, for which these folders are empty; nobody else sees that."""
    script = "".join(f"mount --bind {read_only} {path} && " for path in paths) + 'exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, "sh")


@needs_root
def test_a_host_that_has_everything(tmp_path: Path) -> None:
    if unmet():
        pytest.skip(unmet())
    ended = doctor("--json", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    report = told(ended)
    assert (ended.returncode, report.ready, report.problems, report.root) == (0, True, (), True)
    found = states(report)
    assert {found[name] for name in ("network namespaces", "veth and bridge", "charon-systemd", "ip")} == {State.OK}
    assert sum("in use" in finding.found for finding in report.findings if finding.area == "ESP") == 1
    charon = next(finding for finding in report.findings if finding.name == "charon-systemd")
    assert "started and ended" in charon.found
    # A look leaves nothing behind, and starts nothing that stays.
    assert not (tmp_path / "data").exists()
    assert not list(Path("/tmp").glob("gw-doctor-*"))  # noqa: S108 - where it makes them


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
def test_the_screen_is_readable_in_80_columns(language: str, tmp_path: Path) -> None:
    ended = doctor("--data", str(tmp_path / ("d" * 150)), LC_ALL=language, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    lines = ended.stdout.splitlines()
    # a path longer than a line is not broken
    assert [line for line in lines if len(line) > 80 and "d" * 40 not in line] == []
    assert ended.returncode in (0, 1)
    symbol = "·" if language == "C.UTF-8" else "-"
    assert f"  {symbol} version " in ended.stdout
    assert language == "C.UTF-8" or ended.stdout.isascii()


@needs_root
def test_nobody_is_told_what_he_cannot_look_at_and_that_the_simulated_plane_runs(tmp_path: Path) -> None:
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    if run(*nobody, sys.executable, "-c", "import gatewright").returncode != 0:
        pytest.skip("nobody cannot read this checkout")
    ended = doctor("--data", "/nonexistent/data", before=nobody)
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert "Not root: what is marked ? cannot be looked at" in ended.stdout
    assert "The simulated plane can, without root: gatewright serve" in ended.stdout
    report = told(doctor("--json", "--data", "/nonexistent/data", before=nobody))
    assert (report.ready, report.root) == (False, False)
    assert report.problems == ("The linux plane has to run as root.",)
    assert State.MISSING not in {finding.state for finding in report.findings if finding.area == "Kernel"}
    assert states(report)["tbf"] is State.UNSEEN
    # a folder that nobody but root may enter
    tmp_path.chmod(0o700)
    hidden = doctor("--data", str(tmp_path / "data"), before=nobody)
    assert (hidden.returncode, hidden.stderr) == (1, "")


@needs_root
@pytest.mark.parametrize("hidden", ["/usr/sbin", "/usr/lib/ipsec/plugins"])
def test_what_is_missing_is_told_as_serve_tells_it_and_how_to_get_it(hidden: str, tmp_path: Path) -> None:
    if unmet():
        pytest.skip(unmet())
    empty = tmp_path / "empty"
    empty.mkdir()
    before = hiding(hidden, read_only=empty)
    ended = doctor("--json", before=before)
    report = told(ended)
    assert (ended.returncode, report.ready) == (1, False)
    serve = run(
        *before,
        *(sys.executable, "-m", "gatewright", "serve", "--plane", "linux"),
        *("--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"),
    )
    assert serve.returncode == 2
    assert report.problems
    for problem in report.problems:
        assert problem.rstrip(".") in serve.stderr
    assert "apt-get install -y --no-install-recommends " in report.install
    assert ("charon-systemd" if hidden == "/usr/sbin" else "libstrongswan") in report.install
    text = doctor(before=before).stdout
    assert "The linux plane cannot run here" in text
    assert "without starting any service" in text


@needs_root
@needs_root
def test_where_nothing_can_be_written_charon_was_not_tried() -> None:
    if unmet():
        pytest.skip(unmet())
    # as it is but for writing: the interpreter may be in there
    script = 'mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && exec "$@"'
    ended = doctor("--json", "--data", "/data", before=("unshare", "--mount", "sh", "-c", script, "sh"))
    charon = next(finding for finding in told(ended).findings if finding.name == "charon-systemd")
    assert charon.state is State.WARNING
    assert "trying charon: " in charon.found
    assert "Read-only file system" in charon.found


def test_a_path_without_tools_is_a_host_without_them(tmp_path: Path) -> None:
    report = told(doctor("--json", PATH=str(tmp_path)))
    assert not report.ready
    assert "ip is not installed: apt-get install iproute2." in report.problems
    assert states(report)["tc"] is State.MISSING
    assert states(report)["tbf"] is State.UNSEEN
    assert "iproute2" in report.install
    # Not used yet, so that nobody is told to install it.
    assert states(report)["openvpn"] is State.INFORMATION
    assert "openvpn" not in report.install


def test_a_taken_port_and_who_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        report = told(doctor("--json", "--listen", f"127.0.0.1:{port}"))
    finding = next(each for each in report.findings if each.name == f"TCP {port}")
    assert finding.state is State.WARNING
    assert f"(process {os.getpid()})" in finding.found
    assert "--listen" in finding.advice


def test_who_listens_on_a_udp_port() -> None:
    from gatewright.plane.linux import ports

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        (owner,) = ports.listeners("udp", port)
        assert f"(process {os.getpid()})" in owner
        assert ports.listeners("tcp", port) == []
    assert ports.listeners("udp", port) == []


@pytest.mark.parametrize(("uplink", "state"), [("", State.INFORMATION), ("eth0", State.WARNING)])
def test_a_charon_of_the_host_is_in_the_way_on_a_shared_interface_only(
    uplink: str, state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gatewright.plane.linux import doctor as module
    from gatewright.plane.linux import ports

    monkeypatch.setattr(ports, "listeners", lambda protocol, port: ["charon (process 7)"] * (protocol == "udp"))
    found = {each.name: each for each in module.examine(tmp_path, "127.0.0.1", 0, uplink).findings}
    assert found["UDP 500"].state is found["UDP 4500"].state is state
    assert "charon (process 7)" in found["UDP 500"].found


def test_little_room_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gatewright.plane.linux import doctor as module

    monkeypatch.setattr(module, "_ROOM", 2**70)
    monkeypatch.setattr(module, "_FILES", 2**40)
    monkeypatch.setattr(module, "_NAMESPACES", 2**40)
    found = {each.name: each for each in module.examine(tmp_path, "127.0.0.1", 0).findings}
    assert found["data directory"].state is State.WARNING
    assert "make room" in found["data directory"].advice
    assert found["open files"].state in (State.WARNING, State.OK)  # OK where there is no limit at all
    if os.geteuid() == 0:
        assert "sysctl user.max_net_namespaces=" in found["network namespaces"].advice


def test_a_kernel_that_lacks_something_is_said_with_what_would_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if unmet():
        pytest.skip(unmet())
    from gatewright.plane.linux import trials

    lacking = trials.Trial(
        "a", "n", "p", "sch_nothing", "NET_NOTHING", trials._tool("tc", ("tc -batch -", "qdisc x\n"))
    )
    monkeypatch.setattr(trials, "loadable", lambda: True)
    finding = trials.run(lacking)
    assert (finding.state, finding.advice) == (State.MISSING, "for p: modprobe -a sch_nothing")
    assert finding.found
    monkeypatch.setattr(trials, "loadable", lambda: False)
    assert "CONFIG_NET_NOTHING" in trials.run(lacking).advice
    unused = trials.run(lacking._replace(used=False))
    assert (unused.state, unused.advice) == (State.INFORMATION, "")


def test_a_report_of_problems_on_the_screen() -> None:
    report = Report(
        ready=False,
        problems=("Something long is not as it has to be: " + "word " * 40,),
        findings=(Finding(area="A", name="n", state=State.MISSING, found="gone " * 30, advice="get it " * 20),),
        install="sh -c 'a\nb'",
    )
    lines = screen(report, root=True)
    assert max(map(len, lines)) <= 80
    assert lines[2:4] == ["A", "  ✗ n" + " " * 21 + "gone " * 10 + "gone"]
    assert all(line.startswith(" " * 26) for line in lines[4:8])
    assert lines[-2:] == ["  sh -c 'a", "  b'"]
    assert json.loads(msgspec.json.encode(report))["ready"] is False
