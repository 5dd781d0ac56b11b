"""The files of an installation on a host: one folder per item, and in it the spec that stands applied.

A folder is made before anything else of its item and removed after everything else, so whatever a killed
agent left half made can be found. They need not outlive a reboot: neither do namespaces.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
from pathlib import Path

import msgspec

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.failures import step
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, RouterSpec, Spec, VSwitchSpec

#: The folders of everything that is not an instance, one folder a kind.
_APART = {Kind.VSWITCH: "vswitches", Kind.ROUTER: "routers"}
#: Beside them: daemons of an instance's tunnels see nothing of the instance's own, and the other way round.
_TUNNELS = "tunnels"
_RESERVED = (*_APART.values(), _TUNNELS)
_APPLIED = "applied.json"
_decoder: msgspec.json.Decoder[Spec] = msgspec.json.Decoder(InstanceSpec | RouterSpec | VSwitchSpec)


class Folder:
    """The folder of one item. Nobody but root gets there: the installation's, around it, has mode 0700."""

    def __init__(self, path: Path, lock: threading.Lock, root: Path) -> None:
        self.path = path
        self._lock = lock
        self._root = root

    def make(self) -> None:
        with step(f"making {self.path}"), self._lock:
            self._root.parent.mkdir(parents=True, exist_ok=True)
            for folder in reversed(self._parents()):
                folder.mkdir(mode=0o700, exist_ok=True)
            # in a daemon's view of files it is all there is of the installation's
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.path.chmod(0o755)

    def lend(self, name: str, owner: int) -> Path:
        """A folder in this one that is one user's: a daemon's. It is made anew if it is anybody else's."""
        path = self.path / name
        with step(f"making {path}"):
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_uid == owner:
                    return path
            self.take_back(name)
            path.mkdir(mode=0o700)
            os.chown(path, owner, owner)
        return path

    def take_back(self, name: str) -> None:
        """Remove a folder that was lent."""
        with step(f"removing {self.path / name}"), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.path / name)

    def applied(self) -> Spec | None:
        """The spec that stands applied; None if there is none, or one that this version cannot read."""
        try:
            return _decoder.decode((self.path / _APPLIED).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None  # it is applied anew, and if it cannot be written either, that is told

    def set_applied(self, spec: Spec) -> None:
        """Record, atomically, that the item is as the spec says."""
        self.write(_APPLIED, msgspec.json.encode(spec))

    def forget_applied(self) -> None:
        with step(f"removing {self.path / _APPLIED}"):
            (self.path / _APPLIED).unlink(missing_ok=True)

    def write(self, name: str, content: bytes, mode: int = 0o600, group: int = -1) -> None:
        """Replace a file's content atomically; a file that holds it already is not touched.

        ``group`` is the number of a group that the mode is for, too.
        """
        path = self.path / name
        with step(f"writing {path}"):
            with contextlib.suppress(FileNotFoundError):
                if path.read_bytes() == content:
                    return
            draft = self.path / f".{name}.new"
            draft.unlink(missing_ok=True)
            # nobody else's before the mode says so
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchown(descriptor, -1, group)
                os.fchmod(descriptor, mode)
            draft.replace(path)

    def delete(self) -> None:
        """Remove the folder, and the installation's with the last one in it."""
        with step(f"removing {self.path}"), self._lock:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self.path)
            for parent in self._parents():
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()

    def _parents(self) -> list[Path]:
        """The folders around it up to the installation's, the innermost first."""
        return [parent for parent in self.path.parents if parent.is_relative_to(self._root)]


class Folders:
    """The folders of one installation under a runtime folder such as ``/run/gatewright``.

    Raises ValueError if the runtime folder's path has characters that daemons' configuration would misread.
    """

    def __init__(self, installation: str, runtime: Path) -> None:
        if not runtime.is_absolute() or not re.fullmatch(r"[A-Za-z0-9/._-]+", str(runtime)):
            raise ValueError(
                f"the runtime folder must be an absolute path of A-Z a-z 0-9 / . _ -, not {str(runtime)!r}"
            )
        self.root = runtime / installation
        self._lock = threading.Lock()

    def of(self, key: ItemKey) -> Folder:
        apart = _APART.get(key.kind)
        path = self.root / apart / key.id if apart else self.root / key.id
        if not apart and key.id in _RESERVED:
            raise PlaneError(f"an instance cannot be called {key.id!r}")
        return Folder(path, self._lock, self.root)

    def of_tunnel(self, instance_id: str, number: int) -> Folder:
        """The folder of one tunnel of an instance: of its charon, where each has one, and of what is loaded there."""
        return Folder(self.root / _TUNNELS / instance_id / str(number), self._lock, self.root)

    def of_tunnels(self, instance_id: str) -> Folder:
        """The folder that those of an instance's tunnels are in."""
        return Folder(self.root / _TUNNELS / instance_id, self._lock, self.root)

    def tunnels_of(self, instance_id: str) -> list[int]:
        """The numbers of the tunnels of an instance that have a folder."""
        names = _folders_in(self.root / _TUNNELS / instance_id)
        return sorted(int(name) for name in names if name.isascii() and name.isdecimal())

    def own(self) -> Folder:
        """The folder of the installation, for files of no item; it is there while there are items."""
        return Folder(self.root, self._lock, self.root)

    def found(self) -> list[ItemKey]:
        """The items that have a folder."""
        instances = {name for name in _folders_in(self.root) if name not in _RESERVED}
        # one that was killed while it was removed may have left these alone
        instances.update(_folders_in(self.root / _TUNNELS))
        found = [ItemKey(Kind.INSTANCE, name) for name in sorted(instances)]
        for kind, folder in _APART.items():
            found += [ItemKey(kind, name) for name in _folders_in(self.root / folder)]
        return found

    def files(self) -> list[Path]:
        """Everything on disk, for people and tests."""
        return [self.root, *sorted(self.root.rglob("*"))] if self.root.exists() else []


def _folders_in(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
