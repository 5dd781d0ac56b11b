"""Whether a command has printed what a page says."""

from __future__ import annotations

import re

#: What is another one at each run, and what is put in its place on both sides.
_FORMS = [
    (re.compile(pattern), put)
    for pattern, put in (
        (r"\b(vpc|vsw|vpn|vtb|vrt|rte|rg|vco|cgw)-[a-z0-9]{12,}\b", r"\1-ID"),
        (r"\b[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\b", "REQUEST-ID"),
        (r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?", "TIME"),
        (r"\b\d+(?:\.\d+)? ?s\b", "N s"),
        (r"\bLTAI[0-9A-Za-z]{16,}", "LTAI"),
        (r"\b\d{13,18}\b", "NUMBER"),
        (r"\b(240|198\.1[89])(\.\d+){2,3}\b", r"\1.ADDRESS"),
        (r"\bgw-[a-z0-9]{8}-|\bInstallation [a-z0-9]{8}\b|\binstallation [a-z0-9]{8}\b", "INSTALLATION"),
        (r"\(id: \d+\)|\(process \d+\)|@if\d+", "(N)"),
        (r"[ ]{2,}", "  "),
        # Told only when it takes a while.
        (r"(?m)^.* is \w+, waiting for \w+\n|^.*: \w+ -> \w+ \(N s\)\n", ""),
    )
]
_ANYTHING = "..."


def shaped(text: str) -> str:
    """A text of which all that differs from run to run is made the same."""
    for pattern, put in _FORMS:
        text = pattern.sub(put, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def matches(shown: str, printed: str, *, goes_on: bool = False) -> bool:
    """Whether what was printed is what is shown; with ``goes_on`` also if more comes behind it."""
    lines = []
    for line in shown.strip("\n").splitlines():
        if line.strip() == _ANYTHING:
            lines.append(r"(?:.*\n)*")
        else:
            parts = [re.escape(shaped(part) if part.strip() else part) for part in line.rstrip().split(_ANYTHING)]
            lines.append(".*".join(parts) + r"\n")
    pattern = re.compile("".join(lines))
    text = shaped(printed) + "\n" if printed.strip("\n") else ""
    return (pattern.match(text) if goes_on else pattern.fullmatch(text)) is not None
