"""How each device reads what is written for it: enough of its syntax to get the values back."""

from __future__ import annotations

import base64
import re
import shlex

#: A section's name leads to another section, a key to its value.
Section = dict[str, "str | Section"]

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def settings(text: str) -> Section:
    """strongSwan's files, by its ``settings_lexer.l``: comments, sections, values plain or quoted."""
    root: Section = {}
    stack = [root]
    name = ""
    token = re.compile(
        r'[ \t\r]+|#[^\n]*|(?P<string>"(?:\\.|[^\\"])*")|(?P<mark>[{}=\n])|(?P<word>[^#{}="\n\s]+)', re.S
    )
    value: list[str] | None = None
    position = 0
    while position < len(text):
        found = token.match(text, position)
        assert found is not None, f"not understood: {text[position : position + 40]!r}"
        position = found.end()
        kind, what = found.lastgroup, found.group()
        if kind == "mark" and what == "{":
            assert value is None
            section: Section = {}
            assert name not in stack[-1], f"{name} twice"
            stack[-1][name] = section
            stack.append(section)
        elif kind == "mark" and what == "}":
            assert value is None
            stack.pop()
            assert stack, "a section ends that has not begun"
        elif kind == "mark" and what == "=":
            assert value is None
            value = []
        elif kind == "mark" and value is not None:
            assert name not in stack[-1], f"{name} twice"
            stack[-1][name] = " ".join(value)
            value = None
        elif kind == "string":
            assert value is not None, "a string where none can be"
            value.append(re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), what[1:-1], flags=re.S))
        elif kind == "word" and value is not None:
            value.append(what)
        elif kind == "word":
            name = what
    assert stack == [root], "a section does not end"
    return root


def encoded(secret: str) -> str:
    """A secret as swanctl, VyOS by swanctl, and Libreswan (where it is not quoted) read it."""
    if secret[:2].lower() == "0x":
        return bytes.fromhex(secret[2:]).decode()
    if secret[:2].lower() == "0s":
        return base64.b64decode(secret[2:], validate=True).decode()
    return secret


def libreswan(line: str) -> str:
    """The secret of a line of ipsec.secrets."""
    _, _, secret = line.partition(" : PSK ")
    if secret.startswith('"'):
        assert secret.count('"') == 2
        assert secret.endswith('"')
        return secret[1:-1]
    return encoded(secret)


def words(line: str) -> list[str]:
    """A line of bash, which is VyOS's command line; what bash would do something with is not there."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def routeros(line: str) -> dict[str, str]:
    """A command's arguments; a backslash in a string is followed by two hexadecimal digits."""
    found = {}
    for name, quoted, plain in re.findall(r'([a-z-]+)=(?:"([^"]*)"|(\S+))', line):
        assert not re.search(r"[$?]", quoted), "something is put in, or help is asked for"
        found[name] = re.sub(r"\\([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), quoted) or plain
    return found


def powershell(text: str) -> list[str]:
    """The single-quoted strings of a text, which has no other quoting and nothing of a secret outside of them."""
    found = re.findall(r"'((?:[^']|'')*)'", text)
    rest = re.sub(r"'((?:[^']|'')*)'", "", text)
    assert "'" not in rest
    assert '"' not in rest
    return [each.replace("''", "'") for each in found]
