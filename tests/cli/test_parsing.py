"""What is said of words that cannot be understood, and of output that nobody takes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gatewright.cli.main import main
from tests.cli.command import Command


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("gateway", "list"), "; did you mean gateways?"),
        (("vpcs", "lst"), "gatewright vpcs: error: argument ACTION: invalid choice: 'lst' "),
        (
            ("vpcs", "create", "--nmae", "x"),
            "gatewright vpcs create: error: unrecognized arguments: --nmae x; did you mean --name?",
        ),
        (("serve", "--plane", "linus"), "; did you mean linux?"),
        (("doctor", "now"), "gatewright doctor: error: unrecognized arguments: now\n"),
    ],
)
def test_what_was_meant_is_said_with_the_usage_of_the_command(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_word_after_an_operation_is_no_product(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("call", "DescribeVpcs", "vpc-a")) == 2
    assert "'vpc-a' is one word too many: parameters are written --Name value" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("call", "DescribeVpcs"), ("vpcs", "list"), ("snippets", "python"), ("events",)])
def test_output_that_nobody_takes_is_no_traceback(command: Command, words: tuple[str, ...]) -> None:
    program = [sys.executable, "-m", "gatewright", *words]
    full, closed, gone = (
        subprocess.run(
            ["sh", "-c", f'exec "$@" {redirection}', "sh", *program],
            env=command.environment,
            cwd=command.home,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        for redirection, pipe in ((">/dev/full", None), (">&-", None), ("", _pipe_without_reader()))
    )
    assert (full.returncode, full.stderr) == (1, "gatewright: cannot write: No space left on device\n")
    assert (closed.returncode, closed.stderr) == (0, "")
    assert (gone.returncode, gone.stderr) == (1, "")


def _pipe_without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer
