"""The emulated machine of `make test-kernel`, without starting one: what it boots from, what becomes of failures."""

from __future__ import annotations

import gzip
import lzma
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.test_kernel import initramfs, kernel
from scripts.test_kernel.__main__ import chosen
from scripts.test_kernel.failure import Failure
from scripts.test_kernel.machine import Machine

from tests.plane.linux.conftest import REQUIRED, without_kernel_esp

ROOT = Path(__file__).parents[2]


def image(compressed: bytes) -> bytes:
    """A bzImage with this payload behind two sectors of set-up code."""
    head = bytearray(1024)
    head[0x1F1] = 1
    struct.pack_into("<II", head, 0x248, 16, len(compressed))
    return bytes(head) + bytes(16) + compressed + b"more"


def test_the_kernel_is_found_in_its_compressed_image() -> None:
    elf = b"\x7fELF" + bytes(100)
    length = struct.pack("<I", len(elf))
    assert kernel.uncompressed(image(lzma.compress(elf) + length)) == elf


@pytest.mark.parametrize("payload", [gzip.compress(b"\x7fELF"), lzma.compress(b"a boot sector")], ids=["gzip", "xz"])
def test_an_image_of_another_kind_is_told(payload: bytes) -> None:
    with pytest.raises(Failure, match="the kernel"):
        kernel.uncompressed(image(payload))


def test_the_archive_has_the_modules_and_a_script_that_a_shell_understands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busybox, module = tmp_path / "busybox", tmp_path / "9p.ko"
    busybox.write_bytes(b"a shell")
    module.write_bytes(b"a module")
    monkeypatch.setattr(initramfs, "BUSYBOX", busybox)
    files = unpacked(initramfs.initramfs([module], Path("/a place")))
    assert files["bin/busybox"] == b"a shell"
    assert files["modules/9p.ko"] == b"a module"
    assert b"for module in 9p.ko;" in files["init"]
    assert b"folder='/a place'\n" in files["init"]
    subprocess.run(["sh", "-n"], input=files["init"], check=True)


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of a cpio archive, read as the format says and not as it was written."""
    files: dict[str, bytes] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * number : at + 14 + 8 * number], 16) for number in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[at + 110 : at + 109 + name_size].decode()
        begin = (at + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return files
        files[name] = archive[begin : begin + size]
        at = (begin + size + 3) // 4 * 4


def test_the_machine_is_set_by_the_environment() -> None:
    machine = Machine.of({"GATEWRIGHT_VM_MEMORY": "512", "GATEWRIGHT_VM_ACCEL": "kvm"})
    assert (machine.memory, machine.accel, machine.cpus) == (512, "kvm", Machine().cpus)
    with pytest.raises(Failure, match="GATEWRIGHT_VM_CPUS is a whole number, not 'many'"):
        Machine.of({"GATEWRIGHT_VM_CPUS": "many"})


@pytest.mark.parametrize(
    ("arguments", "wanted", "left"),
    [
        ([], "kernel_esp and kernel_first", []),
        (["--durations=5"], "kernel_esp and kernel_first", ["--durations=5"]),
        (["--all", "-x"], "kernel_esp", ["-x"]),
        (["-k", "rekey"], "kernel_esp", ["-k", "rekey"]),
        (["tests/plane/linux/test_tunnels.py"], "kernel_esp", ["tests/plane/linux/test_tunnels.py"]),
    ],
)
def test_what_is_run_follows_from_what_is_asked_for(arguments: list[str], wanted: str, left: list[str]) -> None:
    assert chosen(arguments) == (wanted, left)


@pytest.mark.parametrize(
    ("script", "seconds", "told"),
    [
        ("echo; echo '[ 1.2] Kernel panic - not syncing: Fatal exception'", 60, "crashed: Fatal exception"),
        ("echo booting; exec sleep 60", 1, "did not end within 1 s .*its last word: booting"),
        ("echo no such machine; exit 1", 60, "ended with status 1: no such machine"),
    ],
)
def test_a_machine_that_comes_to_nothing_is_a_failure_of_its_own(script: str, seconds: int, told: str) -> None:
    with pytest.raises(Failure, match=told):
        Machine(seconds=seconds).watch(["sh", "-c", script])


def test_tests_that_must_run_are_not_skipped() -> None:
    reason = without_kernel_esp()
    if not reason:
        pytest.skip("this kernel has ESP")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/plane/linux/test_kernel_esp.py"],
        cwd=ROOT,
        env={**os.environ, REQUIRED: "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    assert f"{REQUIRED} is set, and {reason}" in done.stderr
