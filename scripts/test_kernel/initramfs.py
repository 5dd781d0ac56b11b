"""What the machine boots from: a shell, a few modules, and a script that goes on with the host's files."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterable
from pathlib import Path

from scripts.test_kernel.failure import Failure

BUSYBOX = Path("/bin/busybox")
#: Where the guest sees the folder that it shares with us, and the modules that its root needs.
SHARE = "/run/test-kernel"
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_rng")
#: The tags of what QEMU shares over 9p.
ROOT_TAG, SHARE_TAG = "root", "share"
#: Shell commands, in the folder that is shared: the rest of the start, in the host's files.
JOB = "job"

_INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
# pytest writes the ends of lines itself
stty -opost
mount -t proc none /proc
for module in {modules}; do insmod "/modules/$module"; done
mount -t tmpfs none /layer
mkdir /layer/upper /layer/work
options=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$options,cache=loose,ro" {root} /host
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work none /new
for place in run tmp; do mkdir -p "/new/$place"; mount -t tmpfs -o mode=1777 none "/new/$place"; done
# the project may lie where nothing of the host's is seen any more
folder={folder}
if [ ! -d "/new$folder" ]; then
  mkdir -p "/new$folder" /layer/upper.folder /layer/work.folder
  layers="lowerdir=/host$folder,upperdir=/layer/upper.folder,workdir=/layer/work.folder"
  mount -t overlay -o "$layers" none "/new$folder"
fi
chmod 755 /new/run
mount -t proc none /new/proc
mount -t sysfs none /new/sys
mount -t devtmpfs none /new/dev
mkdir -p /new/dev/pts /new/dev/shm
ln -s /proc/self/fd /new/dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${{number%:*}} /new/dev/${{number#*:}}; done
mount -t devpts none /new/dev/pts
mount -t tmpfs -o mode=1777 none /new/dev/shm
mkdir /new{share}
mount -t 9p -o "$options" {tag} /new{share}
exec switch_root /new /bin/sh {share}/{job}
"""


def initramfs(modules: Iterable[Path], folder: Path) -> bytes:
    """An archive that the kernel unpacks into memory; ``folder`` is the project's. Raises Failure without busybox."""
    if not BUSYBOX.exists():
        raise Failure(f"there is no {BUSYBOX}: apt-get install busybox-static")
    modules = list(modules)
    names = " ".join(module.name for module in modules)
    init = _INIT.format(
        modules=names, root=ROOT_TAG, tag=SHARE_TAG, share=SHARE, job=JOB, folder=shlex.quote(str(folder))
    )
    archive = _Archive()
    for made in ("bin", "proc", "modules", "host", "layer", "new"):
        archive.add(made, 0o040755)
    archive.add("bin/busybox", 0o100755, BUSYBOX.read_bytes())
    archive.add("init", 0o100755, init.encode())
    for module in modules:
        archive.add(f"modules/{module.name}", 0o100644, module.read_bytes())
    return archive.finish()


class _Archive:
    """cpio's format newc (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._files = 0

    def add(self, name: str, mode: int, content: bytes = b"") -> None:
        self._files += 1
        path = name.encode() + b"\0"
        # inode, mode, user, group, links, time, size, devices, length of the name, no checksum
        numbers = (self._files, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        self._out.write(b"070701" + "".join(f"{number:08x}" for number in numbers).encode() + path)
        self._pad()
        self._out.write(content)
        self._pad()

    def finish(self) -> bytes:
        self.add("TRAILER!!!", 0)
        return self._out.getvalue()

    def _pad(self) -> None:
        self._out.write(bytes(-self._out.tell() % 4))
