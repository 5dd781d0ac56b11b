"""How long the generated tests look: the same few examples in every run, or as many new ones as one asks for.

``GATEWRIGHT_FUZZ=2000 pytest tests/fuzz`` tries 2000 new examples of each operation, and prints how to repeat one that
fails.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

VARIABLE = "GATEWRIGHT_FUZZ"


def effort(examples: int, steps: int = 50) -> settings:
    """Settings for so many examples (of so many steps), unless the environment asks for more."""
    asked = int(os.environ.get(VARIABLE, "0"))
    return settings(
        max_examples=asked or examples,
        derandomize=not asked,
        database=None,
        deadline=None,
        print_blob=bool(asked),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        stateful_step_count=steps,
    )
