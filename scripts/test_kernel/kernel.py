"""Debian's kernel, fetched by apt, as files that QEMU and modprobe take."""

from __future__ import annotations

import lzma
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.test_kernel.failure import Failure

#: Its dependency names the kernel that Debian stands for now.
_NEWEST = "linux-image-amd64"
_PREFIX = "linux-image-"
#: Of 400 MB of modules, those that a gateway's host may use.
_WANTED = ("net", "crypto", "arch", "lib", "drivers/net", "drivers/virtio", "drivers/char", "fs/9p", "fs/netfs",
           "fs/fscache", "fs/overlayfs")  # fmt: skip
#: Where a bzImage says how long its set-up code is, and where behind that the compressed kernel lies
#: (Documentation/x86/boot.rst).
_SETUP_SECTORS, _PAYLOAD = 0x1F1, 0x248


@dataclass(frozen=True)
class Kernel:
    """A kernel that was unpacked into a folder."""

    folder: Path
    #: What it calls itself, such as ``6.1.0-56-amd64``.
    release: str

    @property
    def image(self) -> Path:
        """Uncompressed: an emulated machine takes 3 s to unpack it."""
        return self.folder / "vmlinux"

    @property
    def modules(self) -> Path:
        return self.folder / "lib/modules" / self.release

    def needed_for(self, *names: str) -> list[Path]:
        """The files of these modules and of those that they need, in the order of loading."""
        command = ["modprobe", "-d", str(self.folder), "-S", self.release, "-a", "--show-depends", *names]
        told = _run(command, f"looking up the modules {' '.join(names)}").splitlines()
        found = (Path(line.split()[1]) for line in told if line.startswith("insmod "))
        return list(dict.fromkeys(found))


def newest(cache: Path) -> Kernel:
    """Debian's kernel of now, fetched unless it is in the cache. What is there of others is removed. Raises Failure."""
    package = _package()
    kernel = Kernel(cache / package, package.removeprefix(_PREFIX))
    if not kernel.image.exists():
        print(f"Fetching Debian's kernel {kernel.release}", flush=True)
        _fetch(package, kernel)
    for other in cache.glob(f"{_PREFIX}*"):
        if other != kernel.folder:
            shutil.rmtree(other)
    return kernel


def _package() -> str:
    told = _run(["apt-cache", "depends", _NEWEST], "asking apt which kernel Debian has")
    found = re.search(rf"Depends: ({_PREFIX}\d\S+)", told)
    if found is None:
        raise Failure(f"apt knows no {_NEWEST}: run apt-get update (on Debian for amd64)")
    return found[1]


def _fetch(package: str, kernel: Kernel) -> None:
    with _made(kernel.folder) as folder:
        # without its sandbox: apt's own user may not write into a checkout
        command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
        _run(command, f"downloading {package} (if it is not found, run apt-get update)", folder)
        archive = next(folder.glob("*.deb"))
        unpacked = Kernel(folder, kernel.release)
        _unpack(archive, unpacked)
        archive.unlink()


@contextmanager
def _made(target: Path) -> Iterator[Path]:
    """A folder that becomes the target when the block succeeds, and goes away when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="new-", dir=target.parent))
    try:
        yield folder
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: Path, kernel: Kernel) -> None:
    base = f"./lib/modules/{kernel.release}"
    wanted = [f"./boot/vmlinuz-{kernel.release}", f"{base}/modules.*"]
    wanted += [f"{base}/kernel/{folder}/*" for folder in _WANTED]
    doing = f"unpacking {archive.name}"
    with subprocess.Popen(["dpkg", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as unpacking:  # noqa: S607 - Debian's own
        tar = ["tar", "-x", "--wildcards", "-C", str(kernel.folder), *wanted]
        done = subprocess.run(tar, stdin=unpacking.stdout, capture_output=True, text=True, check=False)
    # folders of the list that this kernel does not have are none of tar's business to fail for
    if unpacking.returncode != 0 or not kernel.modules.is_dir():
        raise Failure(f"{doing}: {done.stderr.strip() or 'there are no modules in it'}")
    _run(["depmod", "-b", str(kernel.folder), kernel.release], "listing what modules need")
    compressed = kernel.folder / "boot" / f"vmlinuz-{kernel.release}"
    kernel.image.write_bytes(uncompressed(compressed.read_bytes()))
    shutil.rmtree(kernel.folder / "boot")


def uncompressed(image: bytes) -> bytes:
    """The ELF file in a bzImage. Raises Failure if it is not compressed by xz, as Debian's are."""
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    begin = (image[_SETUP_SECTORS] + 1) * 512 + offset
    try:
        # behind it stands its length
        kernel = lzma.LZMADecompressor().decompress(image[begin : begin + length])
    except lzma.LZMAError as error:
        raise Failure(f"the kernel is not compressed by xz: {error}") from error
    if not kernel.startswith(b"\x7fELF"):
        raise Failure("what is compressed in the kernel's image is not an ELF file")
    return kernel


def _run(command: list[str], doing: str, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Failure(f"{doing}: {command[0]} is not installed") from error
    if done.returncode != 0:
        raise Failure(f"{doing}: {done.stderr.strip() or f'{command[0]} ended with status {done.returncode}'}")
    return done.stdout
