"""Expressions cut into tokens, and the search for the end of ``#{...}``.

Strings stand in single or double quotes; ``\\\\``, ``\\"`` and ``\\'`` are escapes in either, any other backslash stays
as it is together with the character after it. The published examples also have a quote escaped once too often
(``"\\\\""``), which by the letter is a string and the start of another one. No valid expression has two strings side by
side, so here such a quote belongs to the string.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from arkwright.el.errors import ElError, ErrorKind


class TokenKind(enum.Enum):
    """What a token is."""

    INTEGER = "whole number"
    DECIMAL = "number"
    STRING = "string"
    NAME = "name"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind, its source (for strings: the content), and where it stands."""

    kind: TokenKind
    text: str
    start: int
    end: int


_DOUBLE: Final = r'"(?:[^"\\]++|\\\\"(?=")|\\.)*"'
_SINGLE: Final = r"'(?:[^'\\]++|\\\\'(?=')|\\.)*'"
_TOKEN: Final = re.compile(
    rf"""\s*(?:
      (?P<DECIMAL>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    | (?P<INTEGER>\d+)
    | (?P<STRING>{_DOUBLE}|{_SINGLE})
    | (?P<NAME>[^\W\d]\w*)
    | (?P<SYMBOL>&&|\|\||[=!<>]=|[-+*/%<>!?:()\[\].,])
    | (?P<END>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"""\\([\\"'])""")
_OVER_ESCAPED: Final = re.compile(r"""(?:\\\\)+(["'])\Z""")

# What matters while looking for "}": strings, parameters, and the brace itself. Possessive, so linear.
_UNTIL_BRACE: Final = re.compile(
    rf"""(?:[^"'}}$]++|{_DOUBLE}|{_SINGLE}|\$\{{[^{{}}"'\s]*\}}|\$)*+(?P<stop>["'}}]|\Z)""", re.DOTALL
)


def tokens(source: str) -> list[Token]:
    """All tokens of an expression, an END token last."""
    found: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(source, position)
        if match is None:
            raise _unreadable(source, position)
        kind = TokenKind[match.lastgroup or "END"]
        text = match[match.lastgroup or "END"]
        start = match.start(match.lastgroup or "END")
        found.append(Token(kind, string_content(text) if kind is TokenKind.STRING else text, start, match.end()))
        if kind is TokenKind.END:
            return found
        position = match.end()


def expression_end(text: str, start: int) -> int:
    """Where the ``}`` of an expression stands whose inside begins at ``start``.

    Braces in strings and in ``${name}`` don't count. ElError if there is no end.
    """
    found = _UNTIL_BRACE.match(text, start)
    stop = found["stop"] if found is not None else ""
    if found is None or stop == "":
        raise ElError(
            ErrorKind.UNCLOSED_EXPRESSION,
            "'#{' is never closed",
            position=start - 2,
            expression=text[start - 2 :],
            hint="add '}'; for the characters themselves write #{'#{'}",
        )
    if stop != "}":
        raise _unclosed_string(text, found.start("stop"))
    return found.start("stop")


def string_content(source: str) -> str:
    """What a string with its quotes stands for."""
    inside = source[1:-1]
    if "\\" not in inside:
        return inside
    if _has_over_escape(inside, source[0]):
        inside = inside[:-3] + inside[-2:]
    return _ESCAPED.sub(r"\1", inside)


def _has_over_escape(inside: str, quote: str) -> bool:
    """True if the content ends with an even number of backslashes and the quote."""
    if not inside.endswith(quote):
        return False
    backslashes = len(inside) - 1 - len(inside[:-1].rstrip("\\"))
    return backslashes > 0 and backslashes % 2 == 0


def _unreadable(source: str, position: int) -> ElError:
    start = position + len(source[position:]) - len(source[position:].lstrip())
    character = source[start]
    if character in "\"'":
        return _unclosed_string(source, start)
    hint = {
        "$": "the parameter has no value here, or it is not written as ${name}",
        "“": "use straight quotes",
        "”": "use straight quotes",
        "‘": "use straight quotes",
        "’": "use straight quotes",
        "=": "compare with ==; there is no assignment",
        "&": "write && or 'and'",
        "|": "write || or 'or'",
        "{": "lists and maps can't be written here; JSONUtil.parse makes them from text",
        ";": "there is only one expression in #{...}",
    }.get(character, "")
    message = f"the character '{character}' means nothing here"
    return ElError(ErrorKind.SYNTAX, message, position=start, expression=source[start : start + 20], hint=hint)


def _unclosed_string(source: str, start: int) -> ElError:
    message = "a string is never closed"
    hint = f"add {source[start]} at its end; inside of it a quote is written \\{source[start]}"
    return ElError(ErrorKind.UNCLOSED_STRING, message, position=start, expression=source[start:], hint=hint)
