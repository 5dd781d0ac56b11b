"""A plane in a network namespace that stands for a host: a process of its own, told what to do line by line."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import HostOptions, LinuxPlane, UplinkMode, UplinkOptions
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, RouterSpec, Spec, VSwitchSpec
from tests.plane.linux.lab import revealed

_decoder: msgspec.json.Decoder[Spec] = msgspec.json.Decoder(InstanceSpec | RouterSpec | VSwitchSpec)


class Elsewhere:
    """Our end: applies and removes on the host with the namespace ``where``."""

    def __init__(self, where: str, installation: str, runtime: Path, uplink: tuple[str, str, str] | None) -> None:
        # not ip netns exec, which would mount namespaces where nobody else sees them
        command = ["nsenter", f"--net=/run/netns/{where}", sys.executable, "-m", "tests.plane.linux.driver"]
        self._process = subprocess.Popen(
            [*command, installation, str(runtime), json.dumps(uplink)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise

    def apply(self, *specs: Spec) -> None:
        """Raises PlaneError with what the plane said."""
        for spec in specs:
            self._tell(["apply", msgspec.json.encode(spec).decode()])

    def remove(self, *keys: ItemKey) -> None:
        """Raises PlaneError with what the plane said."""
        for key in keys:
            self._tell(["remove", key.kind.value, key.id])

    def told(self, seconds: float = 5) -> str:
        """What the plane tells next of itself; empty if nothing within this time."""
        return self._ask(["told", seconds])

    def _tell(self, command: list[str]) -> None:
        if answer := self._ask(command):
            raise PlaneError(answer)

    def _ask(self, command: list[Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        return str(json.loads(self._process.stdout.readline()))


async def _serve(installation: str, runtime: Path, options: HostOptions) -> None:
    plane = LinuxPlane(installation, runtime, options)
    told: asyncio.Queue[str] = asyncio.Queue()
    await plane.open(lambda key, reason: told.put_nowait(f"{key}: {reason}"), reveal=revealed)
    while line := await asyncio.to_thread(sys.stdin.readline):
        command: list[Any] = json.loads(line)
        try:
            answer = await _do(plane, told, *command)
        except PlaneError as error:
            answer = str(error)
        print(json.dumps(answer), flush=True)
    await plane.close()


async def _do(plane: LinuxPlane, told: asyncio.Queue[str], command: str, *arguments: Any) -> str:
    if command == "told":
        try:
            return await asyncio.wait_for(told.get(), arguments[0])
        except TimeoutError:
            return ""
    if command == "apply":
        await plane.apply(_decoder.decode(arguments[0]))
    else:
        await plane.remove(ItemKey(Kind(arguments[0]), arguments[1]))
    return ""


def main() -> None:
    """Serve until standard input ends."""
    installation, runtime, uplink = sys.argv[1:]
    options = HostOptions()
    if json.loads(uplink):
        interface, mode, pool = json.loads(uplink)
        options = HostOptions(UplinkOptions(interface, UplinkMode(mode), ipaddress.IPv4Network(pool)))
    asyncio.run(_serve(installation, Path(runtime), options))


if __name__ == "__main__":
    main()
