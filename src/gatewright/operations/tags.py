"""Tags, as answers tell them. None can be set yet, so every list is empty."""

from __future__ import annotations

from gatewright.operations.declaration import Part


class TagPart(Part, kw_only=True):
    key: str
    value: str


class TagList(Part, kw_only=True):
    tag: list[TagPart]
