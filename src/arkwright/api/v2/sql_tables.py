"""Tables that a SQL text reads and writes, found without knowing its dialect.

Rules: conservative. A name counts only where the keyword before it leaves no doubt: after FROM and JOIN it is read,
after INSERT INTO, INSERT OVERWRITE [TABLE], MERGE INTO, CREATE TABLE and TRUNCATE TABLE it is written. Comments and
texts are skipped, names made by WITH are no tables, a name with a variable in it is dynamic. What is in doubt is left
out: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*.*?\*/|'(?:''|\\.|[^'])*')"
    r"|(?P<name>(?:`[^`]+`|\"[^\"]+\"|(?:[A-Za-z_\u0080-\uffff]|\$\{[^}]*\})(?:\w|\$\{[^}]*\}|\$)*)"
    r"(?:\s*\.\s*(?:`[^`]+`|\"[^\"]+\"|(?:\w|\$\{[^}]*\}|\$)+))*)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
_WRITING = frozenset(
    {("INSERT", "INTO"), ("INSERT", "OVERWRITE"), ("MERGE", "INTO"), ("CREATE", "TABLE"), ("TRUNCATE", "TABLE")}
)
_AFTER_TABLE = frozenset({"IF", "NOT", "EXISTS"})
_NO_TABLE = frozenset({"SELECT", "LATERAL", "UNNEST", "VALUES", "TABLE", "ONLY", "DUAL", "SET", "WHERE"})
_QUOTES = '`"'


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a text names. `database` is empty where the text names none."""

    database: str
    name: str
    written: bool
    dynamic: bool


def tables_of(sql: str) -> list[Table]:
    """Each table once per direction, in the order of the text."""
    tokens = [match for match in _TOKEN.finditer(sql) if match.lastgroup != "skip"]
    words = [match[0] for match in tokens]
    upper = [word.upper() for word in words]
    made = {words[i].lower() for i, word in enumerate(upper[1:]) if word == "AS" and upper[i + 2 : i + 3] == ["("]}
    found: dict[Table, None] = {}
    for index, word in enumerate(upper):
        if word in ("FROM", "JOIN") and not _inside_call(upper, index):
            for at in _listed(upper, index + 1) if word == "FROM" else [index + 1]:
                _add(found, words, upper, at, made, written=False)
        else:
            target = _target(upper, index)
            if target is not None:
                _add(found, words, upper, target, set(), written=True)
    return list(found)


def _target(upper: Sequence[str], index: int) -> int | None:
    """Where the name of a written table is, if the word begins such a statement."""
    word, following = upper[index], list(upper[index + 1 : index + 3])
    if (word, *following[:1]) in _WRITING:
        at = index + 2
    elif word == "CREATE" and following[:1] in (["EXTERNAL"], ["TEMPORARY"]) and following[1:] == ["TABLE"]:
        at = index + 3
    else:
        return None
    if upper[at : at + 1] == ["TABLE"]:
        at += 1
    while at < len(upper) and upper[at] in _AFTER_TABLE:
        at += 1
    return at


def _inside_call(upper: Sequence[str], index: int) -> bool:
    """EXTRACT(x FROM y), TRIM(x FROM y), SUBSTRING(x FROM y): no table follows."""
    depth = 0
    for at in range(index - 1, -1, -1):
        if upper[at] == ")":
            depth += 1
        elif upper[at] == "(":
            if depth == 0:
                return at > 0 and upper[at - 1] in ("EXTRACT", "TRIM", "SUBSTRING", "OVERLAY", "POSITION")
            depth -= 1
        elif upper[at] in ("SELECT", ";"):
            return False
    return False


def _listed(upper: Sequence[str], index: int) -> list[int]:
    """Where the names of `FROM a, b AS x, c` are."""
    found = [index]
    while index < len(upper):
        index += 1
        if index < len(upper) and upper[index] == "AS":
            index += 1
        if index < len(upper) and upper[index] not in (",", ")", "(", ";") and upper[index + 1 : index + 2] == [","]:
            index += 1  # an alias
        if index + 1 >= len(upper) or upper[index] != ",":
            return found
        index += 1
        found.append(index)
    return found


def _add(
    found: dict[Table, None], words: Sequence[str], upper: Sequence[str], at: int, made: set[str], *, written: bool
) -> None:
    if at >= len(words):
        return
    word = words[at]
    if upper[at] in _NO_TABLE or not (word[0] in _QUOTES or word[0].isalpha() or word[0] in "_$"):
        return
    if word.lower() in made or (not written and upper[at + 1 : at + 2] == ["("]):
        return  # made by WITH; a function that makes rows
    parts = [each.strip().strip(_QUOTES) for each in re.split(r"\.(?![^{]*\})", word)]
    database = parts[-2] if len(parts) > 1 else ""
    found[Table(database, parts[-1], written, "${" in word)] = None
