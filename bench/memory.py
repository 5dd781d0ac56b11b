"""What the API process keeps in memory, at three moments of its life."""

from __future__ import annotations

from bench.figures import Figure, Part

_GOAL_MB = 90.0


class Memory:
    """Collects readings of the resident set and tells them as figures."""

    def __init__(self) -> None:
        self._readings: dict[str, float] = {}

    def note(self, moment: str, megabytes: float) -> None:
        self._readings[moment] = megabytes

    def part(self) -> Part:
        return Part(
            [
                Figure("memory", f"API, {moment}", "MB", megabytes, goal=f"< {_GOAL_MB:g} MB", met=megabytes < _GOAL_MB)
                for moment, megabytes in self._readings.items()
            ],
            [],
            {moment: round(megabytes, 1) for moment, megabytes in self._readings.items()},
        )
