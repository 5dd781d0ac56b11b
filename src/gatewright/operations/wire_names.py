"""How a Python name is spelt on the wire: ``disaster_recovery_vswitch_id`` is ``DisasterRecoveryVSwitchId``."""

from __future__ import annotations

from functools import cache

#: Words that are not just capitalised.
_WORDS = {"vswitch": "VSwitch", "vswitches": "VSwitches", "vrouter": "VRouter", "vrouters": "VRouters"}


@cache
def wire_name(name: str) -> str:
    """The API's spelling of a field."""
    return "".join(_WORDS.get(word, word[:1].upper() + word[1:]) for word in name.split("_"))
