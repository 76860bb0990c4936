"""Characters and texts as Java sees them: UTF-16 units, its idea of white space, its case-insensitive comparison.

Texts here are Python strings. A character beyond U+FFFF counts as two units in Java; ``split_units`` makes two code
points of it so that lengths and indexes agree, ``join_units`` puts them together again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

# Character.isWhitespace: no no-break spaces and no U+0085, but the four separators U+001C to U+001F.
WHITESPACE: Final = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029"
    "\u205f\u3000"
)
WHITESPACE_SET: Final = frozenset(WHITESPACE)
# String.trim: everything up to the space.
CONTROLS_AND_SPACE: Final = "".join(map(chr, range(33)))

# Up to here the worst case of str.rfind is harmless.
_SHORT: Final = 16
_WIDE: Final = re.compile("[\U00010000-\U0010ffff]")
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def is_wide(text: str) -> bool:
    """True if Java counts more units than Python counts characters."""
    return not text.isascii() and _WIDE.search(text) is not None


def split_units(text: str) -> str:
    """The text with each character beyond U+FFFF as its two halves."""
    return _WIDE.sub(_halves, text)


def join_units(text: str) -> str:
    """The text with pairs of halves as one character; lone halves stay."""
    if text.isascii():
        return text
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)


def units(text: str) -> Sequence[int]:
    """The UTF-16 units; comparing such sequences orders texts as Java does."""
    return [ord(character) for character in (split_units(text) if is_wide(text) else text)]


def folded(text: str) -> str:
    """The text as Java compares it when case doesn't matter: each character to upper case, then to lower case.

    The length stays the same: characters whose other case has several characters stay as they are.
    """
    if text.isascii():
        return text.lower()
    table = {ord(unit): single_case(single_case(unit, str.upper), str.lower) for unit in set(text)}
    return text.translate(table)


def last_place(text: str, search: str, end: int) -> int:
    """Where ``search`` stands last so that it ends at ``end`` or before, or -1.

    ``str.rfind`` can take as long as both lengths multiplied; turned around, ``str.find`` never does.
    """
    if len(search) <= _SHORT:
        return text.rfind(search, 0, max(end, 0))
    end = min(max(end, 0), len(text))
    found = text[:end][::-1].find(search[::-1])
    return end - found - len(search) if found >= 0 else -1


def single_case(character: str, change: Callable[[str], str]) -> str:
    """Upper, lower or title case of one character, if that is one character too."""
    changed = change(character)
    if len(changed) == 1:
        return changed
    # The one letter that has several in small: for single characters Java takes the plain "i".
    return "i" if changed == "i\u0307" else character


def _halves(wide: re.Match[str]) -> str:
    offset = ord(wide[0]) - 0x10000
    return chr(0xD800 + (offset >> 10)) + chr(0xDC00 + (offset & 0x3FF))
