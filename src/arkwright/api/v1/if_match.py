"""`If-Match` on what has versions: a save that only counts if nobody else saved meanwhile (RFC 9110, 13.1.1)."""

from __future__ import annotations

from dataclasses import replace

from arkwright.api.call import Call
from arkwright.api.route import Parameter
from arkwright.api.v1.fields import wrong
from arkwright.store.base import DefinitionWrite

IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    schema={"type": "string", "example": '"3"'},
    summary="Ours: the version that was changed. Is another one the newest by now, nothing is saved (412).",
)


def if_match(call: Call, write: DefinitionWrite) -> DefinitionWrite:
    """`write`, bound to the version that the header names. Without the header, or with `*`, to none."""
    given = (call.header(b"if-match") or "").strip()
    if given in ("", "*"):
        return write
    number = given.strip('"')
    if not (number.isascii() and number.isdigit() and 0 < len(number) < 10):
        raise wrong("If-Match", 'must be a version such as "3"', given)
    return replace(write, expected_version=int(number))
