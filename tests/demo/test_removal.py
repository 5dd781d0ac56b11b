"""What `make demo` says at its end of what it has removed, and of what it has not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.linux import Left
from tests.support.service import Service

if sys.platform != "linux":
    pytest.skip("the demonstration runs on Linux", allow_module_level=True)

from demo.__main__ import _parser, _run
from demo.cloud import Unfinished
from demo.signals import Interrupted, Signals
from demo.story import Timing
from demo.telling import Known

from demo import story, traces

LEFT = "namespace gw-test-instance.vpn-1"
Play = Callable[[Known, Signals, Path, Timing], None]


class Stopped(Service):
    """A service that was started, of which there is nothing here."""

    started = True
    installation = "test"

    def stop(self) -> int:
        return 0


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No other runs are there, and what this one has is in a folder of the test's."""
    monkeypatch.setattr("demo.__main__._short_folder", lambda: tmp_path)
    monkeypatch.setattr(traces, "_names", list)


def ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: BaseException | None
) -> tuple[int, str, str]:
    """Play nothing that ends so; gives the status and what is printed."""

    def play(known: Known, signals: Signals, folder: Path, timing: Timing) -> None:
        with traces.removed(folder, signals) as traced:
            traced.service = Stopped(folder / "data")
            if end is not None:
                raise end

    monkeypatch.setattr(story, "play", play)
    status = _run(_parser().parse_args([]))
    return status, *capsys.readouterr()


@pytest.mark.parametrize(
    ("end", "status", "before"),
    [
        (None, 1, ""),
        (Interrupted(), 1, "interrupted; "),
        (Unfinished("not within 30 s: both tunnels up"), 1, "not within 30 s: both tunnels up; "),
        (AssertionError(), 1, "AssertionError: ; "),
    ],
)
def test_what_cannot_be_removed_is_named_and_kept_for_the_next_run(
    end: BaseException | None,
    status: int,
    before: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def clean(installation: str) -> None:
        assert installation == "test"
        raise Left(LEFT)

    monkeypatch.setattr(traces, "clean", clean)
    told = ended(monkeypatch, capsys, end)
    assert told[0] == status
    assert f"make demo: {before}not everything was removed (Left: {LEFT}); the next" in told[2]
    assert "verything was removed" not in told[1] + told[2].replace("not everything was removed", "")
    assert len(list(tmp_path.glob(f"gatewright-demo-{os.getpid()}-*"))) == 1


@pytest.mark.parametrize(
    ("end", "status", "out", "err"),
    [
        (None, 0, "Everything else was removed.\n", ""),
        (Interrupted(), 130, "", "make demo: interrupted; everything was removed\n"),
        (AssertionError(), 1, "", "make demo: AssertionError: ; everything was removed\n"),
    ],
)
def test_that_everything_was_removed_is_said_when_it_was(
    end: BaseException | None,
    status: int,
    out: str,
    err: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(traces, "clean", lambda installation: None)
    assert ended(monkeypatch, capsys, end) == (status, out, err)
    assert list(tmp_path.iterdir()) == []
