"""The SQL of a node: where it comes from, and its statements one by one.

A text is split by the tokenizer of its engine's dialect (sqlglot), so that a semicolon in a string, a comment, a
quoted name or a dollar-quoted body ends nothing. The body of a procedure (`BEGIN … END`) is one statement; `DELIMITER`
lines of MySQL's client are honoured.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Context, Failed, Property

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

MAX_TEXT_BYTES = 16 * 1024 * 1024
STATEMENTS = ("statement", "sql", "sqlStatement")
STATEMENTS_SPELT = (
    Property(name="statement", help="SQL to run instead of a script, taken as it is.", scanned=False),
    *(Property(name=name, help="Another spelling of statement.", scanned=False) for name in STATEMENTS[1:]),
)
STATEMENT_OR_SCRIPT = Property(
    name="statementOrScript", help="Which of the two to run, where both are set.", choices=("SCRIPT", "STATEMENT")
)
_DELIMITER = re.compile(r"^[ \t]*delimiter[ \t]+(\S+)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_OPENS = frozenset({"begin", "case", "loop", "repeat", "while", "if"})
_ROUTINE = frozenset({"procedure", "function", "trigger", "event", "package"})


def sql_text(context: Context, script_type: str) -> str | Failed:
    """The SQL to run, or why there is none. `script_type`: the type of scripts that this node runs."""
    properties = context.properties
    statements = {name: properties[name] for name in STATEMENTS if properties.get(name, "").strip()}
    if len(set(statements.values())) > 1:
        return _refused(f"{' and '.join(statements)} are set and differ; which one to run is not clear.")
    statement = next(iter(statements.values()), "")
    script_name = properties.get("scriptName", "").strip()
    choice = properties.get("statementOrScript", "").strip().lower()
    if choice not in ("", "script", "statement", "sql"):
        return _refused(f"statementOrScript is {choice!r}; it takes SCRIPT or STATEMENT.")
    has_script = context.script is not None or bool(script_name)
    if statement and has_script and not choice:
        return _refused("Both scriptName and statement are set; which one to run is not clear. Set statementOrScript.")
    from_script = choice == "script" or (not choice and has_script)
    text = _script_text(context, script_name, script_type) if from_script else statement
    if isinstance(text, Failed):
        return text
    text = text.removeprefix("\ufeff")  # the mark of the byte order, which some editors write
    if not text.strip():
        return _refused("There is nothing to run: set scriptName or statement.")
    if "\0" in text:
        return _refused("The text to run holds a NUL character.")
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        return _refused(f"The text to run is longer than {MAX_TEXT_BYTES:,} bytes.")
    return text


def _script_text(context: Context, name: str, script_type: str) -> str | Failed:
    script = context.script
    if script is None:
        return _refused(
            f"There is no script {name!r}." if name else "statementOrScript is SCRIPT, and no script is set."
        )
    if _plain(script.type) != _plain(script_type):
        return _refused(f"The script {script.name!r} is of type {script.type!r}; this node runs {script_type} scripts.")
    return script.text


def _plain(name: str) -> str:
    return name.lower().replace(" ", "").replace("-", "").replace("_", "")


class SplittingFailed(Exception):
    """The text can't be taken apart, for the reason given (an open quote, say)."""


def split(text: str, dialect: str) -> list[str]:
    """The statements of a text, without their semicolons; pieces of comments alone are left out. `dialect`: sqlglot's
    name. Raises `SplittingFailed`."""
    if dialect != "mysql" or not _DELIMITER.search(text):
        return _split(text, dialect)
    statements: list[str] = []
    delimiter, at = ";", 0
    for change in [*_DELIMITER.finditer(text), None]:
        part = text[at : change.start() if change else len(text)]
        if delimiter == ";":
            statements += _split(part, dialect)
        else:
            statements += [each.strip() for each in part.split(delimiter) if each.strip()]
        if change:
            delimiter, at = change[1], change.end()
    return statements


def _split(text: str, dialect: str) -> list[str]:
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import TokenError

    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except TokenError as error:
        raise SplittingFailed(" ".join(str(error).split())) from None
    statements: list[str] = []
    current: list[Token] = []
    depth = 0
    for token in tokens:
        if token.token_type.name == "SEMICOLON" and depth <= 0:
            _add(statements, text, current)
            current, depth = [], 0
            continue
        if _is_routine(current):
            depth += _step(token, current[-1])
        current.append(token)
    _add(statements, text, current)
    return statements


def _add(statements: list[str], text: str, tokens: list[Token]) -> None:
    if tokens:
        statements.append(text[tokens[0].start : tokens[-1].end + 1])


def _is_routine(tokens: list[Token]) -> bool:
    """Whether a statement that begins so has a body that may hold semicolons."""
    if len(tokens) < 2 or tokens[0].text.lower() != "create":
        return False
    return any(token.text.lower() in _ROUTINE for token in tokens[1:8])


def _step(token: Token, before: Token) -> int:
    """How much deeper a body is after this token. `END IF` closes once, `END` too."""
    word = token.text.lower()
    if token.token_type.name in ("STRING", "IDENTIFIER"):
        return 0
    if word == "end":
        return -1
    return 1 if word in _OPENS and before.text.lower() != "end" else 0


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
