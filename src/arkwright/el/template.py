"""Texts with ``#{expression}`` and ``${parameter}`` in them.

The order is: parameters first, as text, then expressions. ``resolve`` does both and is what callers normally want:

1. The text is cut into literal parts and ``#{...}`` parts. This looks at the text as it was written, so nothing that
   a parameter brings along can begin or end an expression.
2. In each part ``${name}`` is replaced by the parameter's value. What was put in is not looked at again; unknown names
   stay as they are. A ``#{`` in a value that goes into a literal part stays literal.
3. A ``#{...}`` part is then read as an expression, values included: ``#{${result} > 5 ? "true" : "false"}`` works, and
   a text value needs quotes around its ``${name}``.

With ``simple`` the simple variable set is replaced together with the parameters; a parameter of the same name wins.

If the whole text is one ``#{...}`` the answer keeps its type; otherwise it is the parts put together as a String.
Positions in errors and steps count characters of the text as it was written; what lies inside of a value has the
position of its ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from arkwright.el.coerce import whole_text
from arkwright.el.context import Context, NeedFacts
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.evaluate import Expression, compile_expression, run_expression
from arkwright.el.lexer import expression_end
from arkwright.el.scope import Evaluated, Fact, Limits, Missing, Scope, Step
from arkwright.el.simple_variables import SimpleVariables
from arkwright.el.values import type_name

_NAME: Final = r"([A-Za-z0-9._<>-]+)"

_INCOMPLETE: Final = frozenset({ErrorKind.SYNTAX, ErrorKind.UNCLOSED_EXPRESSION, ErrorKind.UNCLOSED_STRING})
_MOST_INCOMPLETE: Final = 100
"""Each costs a look at what may be all of the rest."""

Locate = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of a text: literal, or the inside of ``#{}``. ``start`` is where it (the inside) begins."""

    text: str
    start: int
    is_expression: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """A compiled ``#{}``, and how places in it become places in the full text."""

    expression: Expression
    locate: Locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A parsed text: literal texts and expressions in turn."""

    source: str
    parts: tuple[str | _Part, ...]

    @property
    def expressions(self) -> tuple[str, ...]:
        """The sources of the expressions in it."""
        return tuple(part.expression.source for part in self.parts if isinstance(part, _Part))


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Read a text with ``#{...}``; ElError for what is wrong whatever the values.

    ``${name}`` is not replaced here: in literal text it stays, in an expression it is an error. Use ``resolve``.
    """
    parts = tuple(_compiled(segment) if segment.is_expression else segment.text for segment in _segments(text))
    return Template(source=text, parts=parts)


def evaluate_template(template: Template, scope: Scope) -> Evaluated | Missing:
    """The value of a parsed text, or the facts it needs first."""
    return _evaluate(template.parts, scope)


def evaluate_expression(text: str, scope: Scope) -> Evaluated | Missing:
    """The value of a bare expression, without ``#{`` and ``}``."""
    return _evaluate((_compiled(_Segment(text, 0, is_expression=True)),), scope)


def substitute(text: str, values: Mapping[str, str], *, prefix: str = "", simple: SimpleVariables | None = None) -> str:
    """The text with each ``${name}`` replaced that has a value; with prefix "dlf." only ``${dlf.name}`` is one.

    One pass: values are put in as they are, and what they contain is not looked at.
    """
    if not _is_open(text, simple):
        return text

    def value(found: re.Match[str]) -> str:
        known = _value_of(found, values, prefix, simple)
        return found[0] if known is None else known

    return _places(prefix, simple).sub(value, text)


def references(text: str, prefix: str = "") -> tuple[str, ...]:
    """The names in ``${name}`` in the order of their first appearance."""
    return tuple(dict.fromkeys(_reference(prefix).findall(text)))


def resolve(
    text: str,
    values: Mapping[str, str],
    scope: Scope,
    *,
    prefix: str = "",
    simple: SimpleVariables | None = None,
) -> Evaluated | Missing:
    """Replace parameters, then evaluate expressions, by the rules at the top of this file.

    A value that is itself an expression by definition (a job parameter ``#{Job.getYesterday("yyyy")}``) has to be
    evaluated by the caller before it gets here.
    """
    if not _is_open(text, simple):
        return _evaluate(parse_template(text).parts, scope)
    parts: list[str | _Part] = []
    for segment in _segments(text):
        replaced, moves = _with_values(segment, values, prefix, simple, scope.limits)
        parts.append(_part(replaced, _locator(segment.start, moves)) if segment.is_expression else replaced)
    return _evaluate(tuple(parts), scope)


def whole_expressions(text: str, *, prefix: str = "", simple: SimpleVariables | None = None) -> tuple[str, ...]:
    """The text of a script, cut into pieces that ``resolve`` reads one by one: between the ``#`` and the ``{`` of what
    is no complete expression (in a comment, say), so that it stays while those around it are evaluated.

    Judged by the text as it was written, whatever values its parameters have. A complete expression may still be wrong.
    """
    pieces: list[str] = []
    start = position = 0
    while (opening := text.find("#{", position)) >= 0:
        try:
            position = expression_end(text, opening + 2) + 1
            source = text[opening:position]
            parse_template(
                substitute(source, dict.fromkeys(references(source, prefix), "0"), prefix=prefix, simple=simple)
            )
        except ElError as error:
            if error.kind not in _INCOMPLETE:
                continue
            if len(pieces) == _MOST_INCOMPLETE:
                message = f"more than {_MOST_INCOMPLETE} times there is '#{{' without a complete expression"
                raise ElError(ErrorKind.LIMIT, message, position=opening, expression="#{") from None
            position = opening + 1
            pieces.append(text[start:position])
            start = position
    return (*pieces, text[start:])


@lru_cache(maxsize=4096)
def _segments(text: str) -> tuple[_Segment, ...]:
    segments: list[_Segment] = []
    position = 0
    while (opening := text.find("#{", position)) >= 0:
        if opening > position:
            segments.append(_Segment(text[position:opening], position, is_expression=False))
        end = expression_end(text, opening + 2)
        segments.append(_Segment(text[opening + 2 : end], opening + 2, is_expression=True))
        position = end + 1
    if position < len(text):
        segments.append(_Segment(text[position:], position, is_expression=False))
    return tuple(segments)


@lru_cache(maxsize=16)
def _reference(prefix: str) -> re.Pattern[str]:
    return re.compile(r"\$\{" + re.escape(prefix) + _NAME + r"\}")


def _is_open(text: str, simple: SimpleVariables | None) -> bool:
    """Whether anything may be there to replace."""
    return "${" in text or (simple is not None and "$" in text)


_SIMPLE: Final = re.compile(r"\$\{([^{}]*)\}|\$\[([^\[\]]*)\]|\$(job_id|instance_id)(?![A-Za-z0-9_])")


def _places(prefix: str, simple: SimpleVariables | None) -> re.Pattern[str]:
    """What may be replaced."""
    return _reference(prefix) if simple is None else _SIMPLE


def _value_of(
    found: re.Match[str], values: Mapping[str, str], prefix: str, simple: SimpleVariables | None
) -> str | None:
    """The value to put in; None: it stays as it is."""
    if simple is None:
        return values.get(found[1])
    if found[2] is not None:
        return simple.in_brackets(found[2])
    if found[3] is not None:
        return simple.named(found[3])
    name = _reference(prefix).fullmatch(found[0])
    value = None if name is None else values.get(name[1])
    return simple.in_braces(found[1]) if value is None else value


def _compiled(segment: _Segment) -> _Part:
    return _part(segment.text, lambda position: segment.start + position)


def _part(source: str, locate: Locate) -> _Part:
    try:
        return _Part(compile_expression(source), locate)
    except ElError as error:
        raise _relocated(error, locate) from None
    except RecursionError:
        raise _too_deep(source, locate) from None


def _too_deep(source: str, locate: Locate) -> ElError:
    message = "the expression or a value in it nests too deeply"
    return ElError(ErrorKind.LIMIT, message, position=locate(0), expression=source)


def _with_values(
    segment: _Segment, values: Mapping[str, str], prefix: str, simple: SimpleVariables | None, limits: Limits
) -> tuple[str, list[tuple[int, int, int, int]]]:
    """A segment with its parameters replaced, and what moved by it.

    For each value: where it begins and ends in the new text, where its "${" and what follows its "}" stood in the
    full one.
    """
    pieces: list[str] = []
    moves: list[tuple[int, int, int, int]] = []
    position = size = added = 0
    for found in _places(prefix, simple).finditer(segment.text):
        try:
            value = _value_of(found, values, prefix, simple)
        except ElError as error:
            if error.position is None:
                raise error.locate(segment.start + found.start(), found[0]) from None
            raise
        if value is None:
            continue
        pieces += (segment.text[position : found.start()], value)
        begin = size + found.start() - position
        position, size, added = found.end(), begin + len(value), added + len(value)
        moves.append((begin, size, segment.start + found.start(), segment.start + found.end()))
        if added > limits.result_chars:
            message = f"the parameters add more than {limits.result_chars} characters to the text"
            raise ElError(ErrorKind.LIMIT, message, position=moves[-1][2], expression=found[0])
    return "".join([*pieces, segment.text[position:]]), moves


def _locator(start: int, moves: list[tuple[int, int, int, int]]) -> Locate:
    """From a place in the text with values to the place in the text as it was written."""

    def locate(place: int) -> int:
        shift = start
        for begin, end, opening, closing in moves:
            if place < begin:
                break
            if place < end:
                return opening
            shift = closing - end
        return place + shift

    return locate


def _relocated(error: ElError, locate: Locate) -> ElError:
    if error.position is not None:
        error.position = locate(error.position)
    return error


def _evaluate(parts: tuple[str | _Part, ...], scope: Scope) -> Evaluated | Missing:
    context = Context(scope)
    if len(parts) == 1 and isinstance(parts[0], _Part):
        try:
            value = _value(parts[0], context)
        except NeedFacts as need:
            return Missing(need.facts)
        return _answer(value, context, parts[0])
    texts: list[str] = []
    missing: set[Fact] = set()
    size = 0
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        try:
            text = _answer(_value(part, context), context, part).text
        except NeedFacts as need:
            missing |= need.facts
            continue
        texts.append(text)
        # Literal text doesn't count: scripts may be long, what expressions add may not.
        size += len(text)
        context.room(size)
    if missing:
        return Missing(frozenset(missing))
    text = "".join(texts)
    return Evaluated(text, text, "String", tuple(context.steps))


def _value(part: _Part, context: Context) -> object:
    expression = part.expression
    if context.scope.trace:
        expression = compile_expression(expression.source, traced=True)
    noted = len(context.steps)
    try:
        value = run_expression(expression, context)
    except ElError as error:
        raise _relocated(error, part.locate) from None
    except RecursionError:
        raise _too_deep(expression.source, part.locate) from None
    for index in range(noted, len(context.steps)):
        step = context.steps[index]
        context.steps[index] = Step(step.expression, part.locate(step.position), step.text, step.type)
    return value


def _answer(value: object, context: Context, part: _Part) -> Evaluated:
    try:
        if value.__class__ is str:
            text = value = whole_text(str(value))
        else:
            text = whole_text(context.text(value))
        context.room(len(text))
    except ElError as error:
        raise error.locate(part.locate(0), part.expression.source) from None
    return Evaluated(text, value, type_name(value), tuple(context.steps))
