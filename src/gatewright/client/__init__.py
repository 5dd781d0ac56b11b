"""Calling the API: what the command line, the pictures and other people's tests do it with.

Only the standard library is loaded for it. It calls any service that speaks the protocol, not only ours.
"""

from gatewright.client.caller import Caller, Refused, Unreachable
from gatewright.client.profile import Profile

__all__ = ["Caller", "Profile", "Refused", "Unreachable"]
