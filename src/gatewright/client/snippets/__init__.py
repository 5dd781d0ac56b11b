"""What to copy to drive a service with each client: text, with no secret but in :func:`env`.

How clients are pointed at an address is from the sources of the Terraform provider alicloud 1.289.0, of the aliyun CLI
v3 and of the SDKs; what is for the SDKs and for the shell is run by the tests as it stands.
"""

from __future__ import annotations

from collections.abc import Callable

from gatewright.client.snippets import sdks, shell, terraform
from gatewright.client.snippets.environment import env
from gatewright.client.snippets.target import Target, target

__all__ = ["SNIPPETS", "Target", "env", "target"]

#: The snippets without a secret, by what the command calls them.
SNIPPETS: dict[str, Callable[[Target], str]] = {
    "call": shell.call,
    "aliyun": shell.aliyun,
    "python": sdks.python,
    "node": sdks.node,
    "terraform": terraform.terraform,
}
