"""The emulated machine: started, listened to, bounded in time."""

from __future__ import annotations

import os
import re
import selectors
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from scripts.test_kernel.failure import Failure
from scripts.test_kernel.initramfs import JOB, MODULES, ROOT_TAG, SHARE, SHARE_TAG, initramfs
from scripts.test_kernel.kernel import Kernel

_QEMU = "qemu-system-x86_64"
_PREFIX = "GATEWRIGHT_VM_"
_STATUS = "status"
#: A crash ends the machine. What a busy host makes fail, though nothing is wrong, is not looked at: whether timers are
#: on time, and whether CPUs are.
_OPTIONS = (
    "console=ttyS0 quiet loglevel=2 panic=-1 oops=panic reboot=t mitigations=off nokaslr cryptomgr.notests"
    " no_timer_check nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
)
#: Loaded before the tests, as is what a first ESP state loads: else the first tunnel waits some seconds for that.
_PRELOADED = (
    "esp4 esp6 xfrm_interface xfrm_user af_key seqiv echainiv authenc gcm ccm ctr cbc sha1_generic sha256_generic"
    " sha512_generic aesni_intel ghash_clmulni_intel veth bridge tun nf_tables nft_ct nft_limit nft_xfrm nft_compat"
    " sch_tbf sch_htb sch_ingress vxlan"
)

_JOB = """\
# the emulated machine's first process, in the host's files
mkdir -p /lib/modules/{release}
mount --bind {modules} /lib/modules/{release}
modprobe -qa {preloaded}
ip link set lo up
ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x100 mode tunnel aead 'rfc4106(gcm(aes))' 0x{key} 128
ip xfrm state flush
cd {folder}
{{
env -i {environment} {command}
echo $? >{share}/{status}
}} {output}
/bin/busybox reboot -f
"""


@dataclass(frozen=True)
class Machine:
    """What the machine is like. Each can be set as ``GATEWRIGHT_VM_`` and its name."""

    #: MB. Files that tests write are in it too.
    memory: int = 1536
    cpus: int = 2
    #: ``tcg`` emulates. ``kvm`` is some twenty times faster where it works.
    accel: str = "tcg,thread=multi,tb-size=512"
    #: Without AVX, which is emulated at a fifth of the speed of SSE, and OpenSSL would use it for every packet.
    cpu: str = "Westmere"
    #: Seconds for everything, from power-on to the last test.
    seconds: int = 1200

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Machine:
        """Raises Failure for what is no number where one is needed."""
        given: dict[str, str | int] = {}
        for field in fields(cls):
            value = environment.get(name := _PREFIX + field.name.upper())
            if value is None:
                continue
            if field.type == "int" and not re.fullmatch("[1-9][0-9]*", value):
                raise Failure(f"{name} is a whole number, not {value!r}")
            given[field.name] = int(value) if field.type == "int" else value
        return cls(**given)  # type: ignore[arg-type]  # int or str as the field is

    def run(self, kernel: Kernel, folder: Path, command: str, environment: Mapping[str, str]) -> int:
        """The exit status of a shell command that was run in the machine; its output is ours, as it comes.

        Raises Failure if the machine does not start, crashes or takes too long.
        """
        with tempfile.TemporaryDirectory(prefix="gw-kernel-") as made:
            share = Path(made)
            archive = share / "initramfs"
            archive.write_bytes(initramfs(kernel.needed_for(*MODULES), folder))
            job = _JOB.format(
                release=kernel.release,
                modules=shlex.quote(str(kernel.modules)),
                preloaded=_PRELOADED,
                key="00" * 20,
                folder=shlex.quote(str(folder)),
                environment=" ".join(shlex.quote(f"{name}={value}") for name, value in environment.items()),
                command=command,
                # a program that writes to the console takes it for a terminal
                output="" if sys.stdout.isatty() else "2>&1 | cat",
                share=SHARE,
                status=_STATUS,
            )
            (share / JOB).write_text(job)
            self.watch(self._command(kernel, archive, share))
            try:
                return int((share / _STATUS).read_text())
            except (OSError, ValueError):
                raise Failure("the machine ended before its tests did") from None

    def _command(self, kernel: Kernel, archive: Path, share: Path) -> list[str]:
        shared = "security_model=none,multidevs=remap"
        return [
            # the machine does not outlive us, however we end
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(_QEMU, "-M", "q35,hpet=off,usb=off,vmport=off,smbus=off,sata=off", "-accel", self.accel),
            *("-cpu", self.cpu, "-smp", str(self.cpus), "-m", str(self.memory)),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
            *("-kernel", str(kernel.image), "-initrd", str(archive)),
            *("-append", _OPTIONS),
            *("-fsdev", f"local,id={ROOT_TAG},path=/,readonly=on,{shared}"),
            *("-device", f"virtio-9p-pci,fsdev={ROOT_TAG},mount_tag={ROOT_TAG}"),
            *("-fsdev", f"local,id={SHARE_TAG},path={share},{shared}"),
            *("-device", f"virtio-9p-pci,fsdev={SHARE_TAG},mount_tag={SHARE_TAG}"),
            *("-device", "virtio-rng-pci"),
        ]

    def watch(self, command: list[str]) -> None:
        """Start a machine and show what it says until it ends. Raises Failure."""
        deadline = time.monotonic() + self.seconds
        console = _Console()
        try:
            machine = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except FileNotFoundError as error:
            raise Failure(f"{error.filename} is not installed: apt-get install qemu-system-x86 util-linux") from error
        assert machine.stdout is not None  # noqa: S101 - a pipe
        with machine, selectors.DefaultSelector() as selector:
            try:
                selector.register(machine.stdout, selectors.EVENT_READ)
                while selector.select(max(0.0, deadline - time.monotonic())):
                    said = os.read(machine.stdout.fileno(), 1 << 16)
                    if not said:
                        break
                    console.show(said)
                else:
                    raise Failure(
                        f"the machine did not end within {self.seconds} s ({_PREFIX}SECONDS bounds it);"
                        f" its last word: {console.last}"
                    )
                machine.wait()
            finally:
                machine.kill()
        if console.panic:
            raise Failure(f"the machine's kernel crashed: {console.panic}")
        if machine.returncode > 0:
            raise Failure(f"{_QEMU} ended with status {machine.returncode}: {console.last}")


class _Console:
    """Passes on what the machine says, and remembers what it said of a crash."""

    def __init__(self) -> None:
        self._end = b""
        self.panic = ""

    def show(self, said: bytes) -> None:
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()
        self._end = (self._end + said)[-4096:]
        found = re.search(rb"Kernel panic - not syncing: ([^\r\n]*)[\r\n]", self._end)
        if found:
            self.panic = found[1].decode(errors="replace")

    @property
    def last(self) -> str:
        """The last line."""
        lines = self._end.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "nothing"
