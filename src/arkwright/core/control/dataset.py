"""The dataset of a For Each node: a text that holds rows of values.

Rules (factory-behaviour 3.3): `[['1'],['2']]`, `[["00"],["01"]]` and `[[00],[01]]` are the same kind of thing, a list
of rows. Every value is a text, so `00` keeps both of its zeros; `null` is no value. Quotes are single or double; inside
them the escapes of JSON hold, and `\\'`; any other backslash stays as it is. A list or an object inside a row is one
value, its text as it was written, so that a row may carry a dataset for an inner loop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Row = Sequence[str | None]

MAX_ROWS = 1_000
"""So often may a For Each node run its job."""

_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"[^\s,\[\]{}\"']+(?:[ \t]+[^\s,\[\]{}\"']+)*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_PLAIN = {'"': '"', "'": "'", "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CLOSING = {"[": "]", "{": "}"}
_SHOWN = 40


class DatasetWrong(ValueError):
    """The text is no dataset; the message says where, and what was expected."""


def read_dataset(text: str) -> tuple[Row, ...]:
    """Raises `DatasetWrong`."""
    reader = _Reader(text)
    if not text.strip():
        raise DatasetWrong('The dataset is empty. Give rows, such as [["1"],["2"]]; a loop over nothing is [].')
    rows = reader.rows()
    if len(rows) > MAX_ROWS:
        raise DatasetWrong(f"The dataset has {len(rows)} rows; a For Each node takes at most {MAX_ROWS}.")
    return rows


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rows(self) -> tuple[Row, ...]:
        self._skip()
        self._expect("[", "the list of rows")
        rows: list[Row] = []
        if not self._closed():
            while True:
                rows.append(self._row(len(rows)))
                if self._ends_list("the row"):
                    break
        self._skip()
        if self._at < len(self._text):
            raise self._wrong("nothing may follow the list of rows")
        return tuple(rows)

    def _row(self, number: int) -> Row:
        self._skip()
        self._expect("[", f"row {number}: each row is a list, such as [[1],[2]]")
        values: list[str | None] = []
        if self._closed():
            return ()
        while True:
            values.append(self._value())
            if self._ends_list("the value"):
                return tuple(values)

    def _value(self) -> str | None:
        self._skip()
        character = self._text[self._at : self._at + 1]
        if character in ('"', "'"):
            return self._quoted(character)
        if character in _CLOSING:
            return self._nested()
        bare = _BARE.match(self._text, self._at)
        if bare is None:
            raise self._wrong("a value is expected")
        self._at = bare.end()
        return None if bare[0] == "null" else bare[0]

    def _quoted(self, quote: str) -> str:
        start = self._at + 1
        self._at = self._end_of_quoted(self._at)
        body = self._text[start : self._at - 1]
        if "\\" not in body:
            return body
        text = _ESCAPE.sub(_unescaped, body)
        return _SURROGATES.sub(_joined, text)

    def _end_of_quoted(self, at: int) -> int:
        quote, start = self._text[at], at
        at += 1
        while at < len(self._text):
            if self._text[at] == "\\":
                at += 1
            elif self._text[at] == quote:
                return at + 1
            at += 1
        self._at = start
        raise self._wrong(f"a text begins with {quote} and does not end")

    def _nested(self) -> str:
        start, at = self._at, self._at
        open_: list[str] = []
        while at < len(self._text):
            character = self._text[at]
            if character in ('"', "'"):
                at = self._end_of_quoted(at)
                continue
            if character in _CLOSING:
                open_.append(_CLOSING[character])
            elif open_ and character == open_[-1]:
                open_.pop()
                if not open_:
                    self._at = at + 1
                    return self._text[start : self._at]
            at += 1
        raise self._wrong(f"{self._text[start]} is never closed")

    def _closed(self) -> bool:
        """Whether the list that has just begun ends at once."""
        self._skip()
        if self._text.startswith("]", self._at):
            self._at += 1
            return True
        return False

    def _ends_list(self, what: str) -> bool:
        self._skip()
        if self._text.startswith(",", self._at):
            self._at += 1
            return False
        self._expect("]", f"after {what} a comma or ] is expected")
        return True

    def _expect(self, character: str, what: str) -> None:
        if not self._text.startswith(character, self._at):
            raise self._wrong(what if "expected" in what else f"{character} is expected to begin {what}")
        self._at += 1

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _wrong(self, what: str) -> DatasetWrong:
        rest = self._text[self._at : self._at + _SHOWN]
        where = f"at position {self._at} ({rest!r})" if rest else "at its end"
        return DatasetWrong(f'The dataset can\'t be read {where}: {what}. It is rows of values, such as [["1"],["2"]].')


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _PLAIN.get(found[2], found[0])


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")
