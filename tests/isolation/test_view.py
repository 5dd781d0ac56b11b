"""What a view covers and what it shows, worked out without touching anything."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gatewright.isolation import mounts, view
from gatewright.isolation.view import Layout, Shown, User, layout, may_pass

ROOT, SOMEBODY = User(0, 0), User(61184, 61184)


def planned(barred: set[str], readable: list[str], writable: list[str]) -> Layout:
    return layout(map(Path, readable), map(Path, writable), lambda folder: str(folder) not in barred)


@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        (0o700, ROOT, False),
        (0o711, ROOT, True),
        (0o755, ROOT, True),
        (0o754, ROOT, False),
        (0o700, SOMEBODY, True),
        (0o077, SOMEBODY, False),
        (0o710, User(0, SOMEBODY.gid), True),
        (0o701, User(0, SOMEBODY.gid), False),
    ],
)
def test_who_may_pass(mode: int, owner: User, expected: bool) -> None:
    assert may_pass(mode, owner, SOMEBODY) is expected


def test_code_that_everybody_reaches_needs_no_cover() -> None:
    assert planned(set(), ["/usr", "/srv/clone/src"], ["/var/lib/gatewright/api"]) == Layout(
        (), (Shown(Path("/var/lib/gatewright/api"), True),)
    )


def test_the_topmost_barred_folder_is_covered_and_only_what_is_needed_put_back() -> None:
    found = planned(
        {"/home/one", "/home/one/clone/data"},
        ["/home/one/clone/src", "/home/one/.pyenv/versions/3.11", "/usr"],
        ["/home/one/clone/data/api"],
    )
    assert found.covers == (Path("/home/one"),)
    assert set(found.shown) == {
        Shown(Path("/home/one/clone/src"), False),
        Shown(Path("/home/one/.pyenv/versions/3.11"), False),
        Shown(Path("/home/one/clone/data/api"), True),
    }


def test_what_lies_in_a_folder_that_is_put_back_comes_with_it() -> None:
    found = planned({"/home/one"}, ["/home/one/venv/lib/site-packages", "/home/one/venv"], ["/home/one/venv/data"])
    assert found.shown == (Shown(Path("/home/one/venv"), False), Shown(Path("/home/one/venv/data"), True))


def test_several_barred_folders() -> None:
    found = planned({"/home/one", "/data"}, ["/home/one/src"], ["/data/api"])
    assert set(found.covers) == {Path("/home/one"), Path("/data")}


def test_a_folder_around_a_barred_one_is_put_back_before_that_is_covered() -> None:
    """A database beside the data directory, say: put back last it would hide the cover."""
    found = planned({"/srv/gw/data"}, [], ["/srv/gw", "/srv/gw/data/api"])
    assert found.covers == (Path("/srv/gw/data"),)
    assert found.shown == (Shown(Path("/srv/gw"), True), Shown(Path("/srv/gw/data/api"), True))
    assert [shown.path for shown in found.shown if found.before_covers(shown)] == [Path("/srv/gw")]


def test_a_device_that_is_not_everybodys_is_told_to_who_can_make_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tun"
    path.touch(mode=0o600)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(mounts, "cover", lambda _: None)
    monkeypatch.setattr(os, "mknod", refuse)
    with pytest.raises(PermissionError, match=f"{path} has mode 0600, and without CAP_MKNOD .*: chmod 0666 {path}"):
        view._give(view.Device(path, 10, 200), view.User(1, 1))
    path.chmod(0o666)
    view._give(view.Device(path, 10, 200), view.User(1, 1))
