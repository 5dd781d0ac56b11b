"""How an answer is printed: for people as tables, for programs as JSON or YAML, for the shell as bare text.

A table is chosen on a terminal and JSON elsewhere, so that what is piped into a program is what the API answered;
``GATEWRIGHT_OUTPUT`` chooses otherwise.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewright.errors import ConfigurationError

if TYPE_CHECKING:
    import jmespath.parser

OUTPUTS = ("table", "json", "yaml", "text")
#: What JSON need not escape and terminals may obey.
_CONTROL = re.compile("[\x7f-\x9f]")
_OUTPUT = "table, json, yaml or text (default: table on a terminal, else json); text is for the shell: bare values"
_QUERY = "what to print of the answer, a JMESPath expression: Vpcs.Vpc[].VpcId"


def add_output(parser: argparse.ArgumentParser, *, query: bool = True) -> None:
    """Declare the options ``--output`` and ``--query``."""
    parser.add_argument("--output", choices=OUTPUTS, metavar="FORM", help=_OUTPUT)
    if query:
        parser.add_argument("--query", metavar="EXPRESSION", help=_QUERY)


def printing(work: Callable[[], int]) -> int:
    """Run what prints answers; the exit status is its own, or 1 if what it prints can be written no further.

    Nothing is said of a reader who wants no more, and nothing is printed where standard output was closed before.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the process is there
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal need not have every character of an answer
    try:
        status = work()
        sys.stdout.flush()
    except BrokenPipeError:
        _write_no_more()
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _write_no_more()
        print(f"gatewright: cannot write: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _write_no_more() -> None:
    """Not even what is flushed when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def compiled(expression: str | None) -> jmespath.parser.ParsedResult | None:
    """A ``--query``, before anything is called. Raises ConfigurationError for one that cannot be read."""
    if expression is None:
        return None
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        parsed = jmespath.compile(expression)
        unknown = _functions(parsed.parsed) - set(jmespath.functions.Functions.FUNCTION_TABLE)
        reason = f"it has no function {', '.join(sorted(unknown))}" if unknown else ""
    except JMESPathError as error:
        reason = " ".join(str(error).split()).rstrip("^ ")
    if reason:
        raise ConfigurationError(f"--query {expression!r} is no JMESPath expression: {reason}")
    return parsed


def _functions(node: Mapping[str, Any]) -> set[str]:
    """The functions that an expression calls: the library looks for them only while it evaluates."""
    found = {str(node["value"])} if node["type"] == "function_expression" else set()
    return found.union(*(_functions(child) for child in node["children"] if isinstance(child, Mapping)))


def show(answer: Mapping[str, Any], output: str | None, query: str | None) -> None:
    """Print an answer, or what the query finds in it. Raises ConfigurationError for a query that does not apply."""
    found = queried(answer, query)
    form = output or usual()
    if form == "json":
        text = json.dumps(found, indent=2, ensure_ascii=False)
        print(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
    elif form == "yaml":
        import yaml

        yaml.safe_dump(found, sys.stdout, sort_keys=False, allow_unicode=True, default_flow_style=False)
    elif form == "text":
        for line in bare(found):
            print(line)
    else:
        from gatewright.cli.tables import printed

        for line in printed(found, shutil.get_terminal_size((80, 24)).columns):
            print(line)


def usual() -> str:
    """The form where ``--output`` says nothing: that of ``GATEWRIGHT_OUTPUT``, a table on a terminal, else JSON."""
    wanted = os.environ.get("GATEWRIGHT_OUTPUT", "")
    if wanted and wanted not in OUTPUTS:
        raise ConfigurationError(f"GATEWRIGHT_OUTPUT is {wanted!r}: it must be one of {', '.join(OUTPUTS)}")
    return wanted or ("table" if sys.stdout.isatty() else "json")


def queried(answer: Mapping[str, Any], query: str | None) -> Any:
    """What a query finds. Raises ConfigurationError."""
    expression = compiled(query)
    if expression is None:
        return dict(answer)
    from jmespath.exceptions import JMESPathError

    try:
        return expression.search(answer)
    except JMESPathError as error:
        raise ConfigurationError(f"--query {query!r} does not apply to this answer: {error}") from None


def bare(found: Any) -> list[str]:
    """Values without quotes: one a line, those of a list within a list or of an object with tabs between."""
    if found is None:
        return []
    rows = found if isinstance(found, list) else [found]
    return ["\t".join(_words(row)) for row in rows]


def _words(row: Any) -> list[str]:
    values = row.values() if isinstance(row, dict) else row if isinstance(row, list) else (row,)
    return [one_line(value) for value in values]


def one_line(value: Any) -> str:
    """A value in a cell: texts as they are but for what would break the line, everything else as JSON."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else " " for c in text)
