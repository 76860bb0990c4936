"""Takes secrets out of what a node says: a stream of bytes in pieces, or a text.

What is found: the value as it is, as it stands in JSON, as it stands in a URL, and each longer line of a value with
several lines; also where it straddles two pieces. What is not found: values shorter than `LEAST_CHARACTERS` (every log
would be full of masks) and values in any other coding (base64, a hash, one character per line).

Imports the standard library alone: the filter beside a program loads this file without the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

LEAST_CHARACTERS = 4
_LEAST_LINE = 8
_MASK = b"******"


def forms(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """The byte texts to look for, the longest first."""
    found: set[bytes] = set()
    for secret in secrets:
        if len(secret) < LEAST_CHARACTERS:
            continue
        lines = [line.strip() for line in secret.splitlines()]
        wanted = [secret, *(line for line in lines if len(line) >= _LEAST_LINE)]
        for text in wanted:
            coded = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
            for each in (text, *coded):
                found.add(each.encode("utf-8", "surrogateescape" if _is_bytes(each) else "surrogatepass"))
            found.update(make(text, safe="", errors="replace").encode() for make in (quote, quote_plus))
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def _is_bytes(text: str) -> bool:
    """Whether its lone surrogates, if any, stand for bytes that are no UTF-8."""
    return not any("\ud800" <= each <= "\udfff" and not "\udc80" <= each <= "\udcff" for each in text)


class Scrubber:
    """One stream. Says nothing that could still become a secret: at most the beginning of one is held back."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = forms(secrets)
        self._find = _pattern(self._forms)
        self._held = b""
        self._covered = 0
        """So many bytes of what is held belong to a secret that has been masked already."""
        self._after_mask = False
        """Whether the last that was said is a mask: secrets that follow each other are masked as one."""

    def feed(self, piece: bytes) -> bytes:
        """What can be said by now."""
        if self._find is None:
            return piece
        return self._say(self._held + piece, final=False)

    def end(self) -> bytes:
        """What was held back; no more will come."""
        return self._say(self._held, final=True) if self._find is not None else b""

    def _say(self, text: bytes, *, final: bool) -> bytes:
        assert self._find is not None
        hold = len(text) if final else self._unsettled(text)
        said: list[bytes] = []
        position = self._covered
        masked_until = position if self._after_mask else -1
        for found in self._find.finditer(text):
            start, end = found.start(), found.end(1)
            if start >= hold:
                break
            if start > position:
                said += (text[position:start], _MASK)
            elif masked_until < start:
                said.append(_MASK)
            position = masked_until = max(position, end)
        if position < hold:
            said.append(text[position:hold])
            position = hold
        self._held, self._covered = text[hold:], position - hold
        self._after_mask = masked_until == position
        return b"".join(said)

    def _unsettled(self, text: bytes) -> int:
        """From where on the text could be the beginning of a secret that is not whole yet."""
        longest = len(self._forms[0])
        for start in range(max(0, len(text) - longest + 1), len(text)):
            rest = text[start:]
            if any(len(rest) < len(form) and form.startswith(rest) for form in self._forms):
                return start
        return len(text)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """A whole text."""
    found = forms(secrets)
    if not found:
        return text
    scrubber = Scrubber(secrets)
    data = text.encode("utf-8", "surrogatepass")
    return (scrubber.feed(data) + scrubber.end()).decode("utf-8", "surrogatepass")


@lru_cache(maxsize=256)
def _pattern(wanted: tuple[bytes, ...]) -> re.Pattern[bytes] | None:
    """Looks ahead, so that secrets which overlap are all found."""
    return re.compile(b"(?=(" + b"|".join(map(re.escape, wanted)) + b"))") if wanted else None
