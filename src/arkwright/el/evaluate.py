"""From the tree of an expression to a function, and running it.

Each node becomes a closure that takes the ``Context``; names, members and the number of arguments are settled while
doing so, so they are errors before anything runs. Only what depends on values is left to the closures.

Rules that hold here:

- Both sides of an operator and all arguments are looked at even if one of them lacks a fact, so that ``Missing``
  names as many facts as possible. Each is evaluated once at most.
- ``&&``, ``||`` and ``? :`` never touch the side they don't need.
- An error gets the place of the innermost node that raised it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

from arkwright.el.access import element, is_empty, member
from arkwright.el.coerce import (
    argument_date,
    argument_integer,
    argument_needed_text,
    argument_text,
    to_truth,
)
from arkwright.el.context import Context, NeedFacts
from arkwright.el.errors import ElError, ErrorKind, nearest_names
from arkwright.el.functions import BUILT_INS
from arkwright.el.functions.signature import BuiltIn, Kind, Method
from arkwright.el.operators import BINARY, negate
from arkwright.el.parser import parse_expression
from arkwright.el.scope import Fact, Step
from arkwright.el.syntax import Call, Chain, Choice, Index, Literal, Name, Node, Property, Unary
from arkwright.el.values import Date, type_name

Run = Callable[[Context], object]

# The preview shows steps; nobody reads a megabyte there.
_LONGEST_STEP: Final = 1000

_COERCIONS: Final[dict[Kind, Callable[[object], object]]] = {
    Kind.TEXT: argument_text,
    Kind.NEEDED_TEXT: argument_needed_text,
    Kind.INTEGER: argument_integer,
    Kind.TRUTH: to_truth,
    Kind.DATE: argument_date,
}
# Values of these classes are already what the kind wants; most arguments are.
_FITS: Final[dict[Kind, type]] = {Kind.TEXT: str, Kind.NEEDED_TEXT: str, Kind.TRUTH: bool, Kind.DATE: Date}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A compiled expression: its source, the function, and what it costs at most in nodes and depth."""

    source: str
    run: Run
    size: int
    depth: int


@lru_cache(maxsize=4096)
def compile_expression(source: str, traced: bool = False) -> Expression:
    """The function of an expression; with ``traced`` it notes each step in the context."""
    parsed = parse_expression(source)
    run = _Compiler(source, traced=traced).node(parsed.root)
    return Expression(source=source, run=run, size=parsed.size, depth=parsed.depth)


def run_expression(expression: Expression, context: Context) -> object:
    """The value of an expression; NeedFacts or ElError if there is none."""
    context.work_left -= expression.size
    if context.work_left < 0 or expression.depth > context.scope.limits.depth:
        raise _too_large(expression, context)
    return expression.run(context)


def _too_large(expression: Expression, context: Context) -> ElError:
    limits = context.scope.limits
    if expression.depth > limits.depth:
        message = f"the expression nests {expression.depth} levels deep; the limit is {limits.depth}"
    else:
        message = f"the expression takes more than {limits.steps} steps"
    return ElError(ErrorKind.LIMIT, message, position=0, expression=expression.source)


class _Compiler:
    def __init__(self, source: str, *, traced: bool) -> None:
        self.source = source
        self.traced = traced

    def node(self, node: Node) -> Run:
        match node:
            case Literal():
                return _constant(node.value)
            case Name():
                raise self.unknown_name(node)
            case Property():
                run = self.property(node)
            case Index():
                run = self.index(node)
            case Call():
                run = self.call(node)
            case Unary():
                run = self.unary(node)
            case Chain():
                run = self.chain(node)
            case Choice():
                run = self.choice(node)
            case _:
                assert_never(node)
        return self.noted(node, run) if self.traced else run

    def text_of(self, node: Node) -> str:
        return self.source[node.start : node.end]

    def error(self, kind: ErrorKind, message: str, node: Node, hint: str = "") -> ElError:
        return ElError(kind, message, position=node.start, expression=self.text_of(node), hint=hint)

    def noted(self, node: Node, run: Run) -> Run:
        source, position = self.text_of(node), node.start

        def noting(context: Context) -> object:
            value = run(context)
            text = context.text(value)
            if len(text) > _LONGEST_STEP:
                text = text[: _LONGEST_STEP - 1] + "…"
            context.steps.append(Step(source, position, text, type_name(value)))
            return value

        return noting

    # Names and members

    def built_in(self, node: Node) -> BuiltIn | None:
        """The built-in object that a node names, or None if it is a value."""
        match node:
            case Name():
                return BUILT_INS.get(node.name)
            case Property():
                base = self.built_in(node.base)
                return base.children.get(node.name) if base is not None else None
            case _:
                return None

    def unknown_name(self, node: Name) -> ElError:
        if node.name in BUILT_INS:
            hint = f"it has {', '.join(BUILT_INS[node.name].member_names[:8])}, …"
            return self.error(ErrorKind.UNKNOWN_MEMBER, f"{node.name} alone is no value", node, hint)
        hint = nearest_names(node.name, BUILT_INS)
        hint += f'; a job parameter is written ${{{node.name}}} or Job.getParam("{node.name}")'
        return self.error(ErrorKind.UNKNOWN_NAME, f"there is nothing called '{node.name}'", node, hint)

    def unknown_member(self, node: Node, built_in: BuiltIn, name: str) -> ElError:
        message = f"{built_in.name} has no member '{name}'"
        hint = nearest_names(name, built_in.member_names)
        return self.error(ErrorKind.UNKNOWN_MEMBER, message, node, hint)

    def property(self, node: Property) -> Run:
        built_in = self.built_in(node.base)
        if built_in is not None:
            return self.built_in_property(node, built_in, node.name)
        base, name = self.node(node.base), node.name
        return self.placed(node, lambda context: member(base(context), name))

    def built_in_property(self, node: Node, built_in: BuiltIn, name: str) -> Run:
        if name in built_in.properties:
            return self.placed(node, built_in.properties[name])
        if name in built_in.methods:
            message = f"{built_in.name}.{name} is a method"
            hint = f"call it: {built_in.name}.{built_in.methods[name].signature}"
            raise self.error(ErrorKind.UNKNOWN_MEMBER, message, node, hint)
        if name in built_in.children:
            hint = f"it has {', '.join(built_in.children[name].member_names)}"
            raise self.error(ErrorKind.UNKNOWN_MEMBER, f"{built_in.name}.{name} alone is no value", node, hint)
        raise self.unknown_member(node, built_in, name)

    def index(self, node: Index) -> Run:
        built_in = self.built_in(node.base)
        if built_in is not None:
            if isinstance(node.key, Literal) and isinstance(node.key.value, str):
                return self.built_in_property(node, built_in, node.key.value)
            raise self.error(ErrorKind.UNKNOWN_MEMBER, f"{built_in.name} is not a list", node)
        base, key = self.node(node.base), self.node(node.key)

        return self.placed(node, lambda context: element(*_all(context, (base, key))))

    def placed(self, node: Node, run: Run) -> Run:
        """The function, with errors naming the node."""
        position, source = node.start, self.text_of(node)

        def placing(context: Context) -> object:
            try:
                return run(context)
            except ElError as error:
                raise error.locate(position, source) from error.__cause__

        return placing

    # Calls

    def call(self, node: Call) -> Run:
        callee = node.callee
        if isinstance(callee, Name):
            hint = "functions belong to objects: " + ", ".join(sorted(BUILT_INS))
            raise self.error(ErrorKind.UNKNOWN_NAME, f"there is no function '{callee.name}'", node, hint)
        if not isinstance(callee, Property):
            raise self.error(ErrorKind.SYNTAX, "this can't be called", node)
        built_in = self.built_in(callee.base)
        if built_in is None:
            self.node(callee.base)  # its own mistakes come first
            message = f"values have no methods, so there is no '{callee.name}'"
            hint = "StringUtil has methods for texts, DateUtil for dates, JSONUtil for lists and maps"
            raise self.error(ErrorKind.UNKNOWN_MEMBER, message, node, hint)
        method = built_in.methods.get(callee.name)
        if method is None:
            if callee.name in built_in.properties:
                message = f"{built_in.name}.{callee.name} is not a method"
                raise self.error(ErrorKind.UNKNOWN_MEMBER, message, node, "leave out the brackets")
            raise self.unknown_member(callee, built_in, callee.name)
        if not method.accepts(len(node.arguments)):
            message = f"{built_in.name}.{method.name} doesn't take {_counted(len(node.arguments))}"
            hint = f"it is {built_in.name}.{method.signature}"
            raise self.error(ErrorKind.ARGUMENT_COUNT, message, node, hint)
        return self.method_call(node, method)

    def method_call(self, node: Call, method: Method) -> Run:
        arguments = [self.argument(argument, method.kind_of(at)) for at, argument in enumerate(node.arguments)]
        function, position, source = method.run, node.start, self.text_of(node)
        # A text can grow only by what functions return, so this and "+" are the places to measure it.
        if len(arguments) == 2:
            first, second = arguments

            def run_two(context: Context) -> object:
                try:
                    one = first(context)
                except NeedFacts as need:
                    raise _gathered(context, need, (second,)) from None
                other = second(context)
                try:
                    result = function(context, one, other)
                    if result.__class__ is str and len(result) > context.result_chars:
                        context.room(len(result))
                except ElError as error:
                    raise error.locate(position, source) from error.__cause__
                return result

            return run_two

        def run(context: Context) -> object:
            values = _all(context, arguments)
            try:
                result = function(context, *values)
                if isinstance(result, str):
                    context.room(len(result))
            except ElError as error:
                raise error.locate(position, source) from error.__cause__
            return result

        return run

    def argument(self, node: Node, kind: Kind) -> Run:
        """An argument, converted to what the method wants; literals are converted right away."""
        if kind is Kind.ANY:
            return self.node(node)
        value = _literal_value(node)
        if value is _NO_LITERAL:
            return self.converted(node, _COERCIONS[kind], _FITS.get(kind))
        try:
            return _constant(_COERCIONS[kind](value))
        except ElError as error:
            raise error.locate(node.start, self.text_of(node)) from None

    def converted(self, node: Node, coerce: Callable[[object], object], fits: type | None) -> Run:
        """What a node yields, unless it is of the class that `fits`, made into another value."""
        run = self.node(node)
        position, source = node.start, self.text_of(node)

        def convert(context: Context) -> object:
            value = run(context)
            if value.__class__ is fits:
                return value
            try:
                return coerce(value)
            except ElError as error:
                raise error.locate(position, source) from None

        return convert

    # Operators

    def unary(self, node: Unary) -> Run:
        value = _literal_value(node)
        if value is not _NO_LITERAL:
            return _constant(value)
        operand = self.node(node.operand)
        match node.operator:
            case "-":
                return self.placed(node, lambda context: negate(operand(context)))
            case "!":
                return self.placed(node, lambda context: not to_truth(operand(context)))
            case _:
                return lambda context: is_empty(operand(context))

    def chain(self, node: Chain) -> Run:
        if node.rest[0][0] in ("&&", "||"):
            return self.logic(node, stops_at=node.rest[0][0] == "||")
        first = self.node(node.first)
        rest = [(BINARY[operator], self.node(operand), operand.end) for operator, operand in node.rest]
        operands = [first, *(operand for _, operand, _ in rest)]
        source, start = self.source, node.start

        def run(context: Context) -> object:
            values = _all(context, operands)
            value = values[0]
            for (operate, _, end), other in zip(rest, values[1:], strict=True):
                try:
                    value = operate(value, other, context)
                except ElError as error:
                    raise error.locate(start, source[start:end]) from None
            return value

        return run

    def logic(self, node: Chain, *, stops_at: bool) -> Run:
        operands = [self.condition(operand) for operand in (node.first, *(operand for _, operand in node.rest))]

        def run(context: Context) -> object:
            for operand in operands:
                if operand(context) is stops_at:
                    return stops_at
            return not stops_at

        return run

    def condition(self, node: Node) -> Run:
        return self.converted(node, to_truth, bool)

    def choice(self, node: Choice) -> Run:
        condition, yes, no = self.condition(node.condition), self.node(node.yes), self.node(node.no)
        return lambda context: yes(context) if condition(context) else no(context)


_NO_LITERAL: Final = object()


def _literal_value(node: Node) -> object:
    """The value of a literal or of a negative number, which is a sign and a literal."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Unary) and node.operator == "-" and isinstance(node.operand, Literal):
        value = node.operand.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    return _NO_LITERAL


def _constant(value: object) -> Run:
    return lambda context: value


def _counted(count: int) -> str:
    return "one argument" if count == 1 else f"{count or 'no'} arguments"


def _all(context: Context, runs: Sequence[Run]) -> list[object]:
    """The values of all; if facts are missing, those of the remaining ones are asked for as well."""
    values: list[object] = []
    for run in runs:
        try:
            values.append(run(context))
        except NeedFacts as need:
            raise _gathered(context, need, runs[len(values) + 1 :]) from None
    return values


def _gathered(context: Context, need: NeedFacts, others: Iterable[Run]) -> NeedFacts:
    """What is missing, together with what the others miss. Their mistakes wait until the facts are there."""
    facts: set[Fact] = set(need.facts)
    for other in others:
        try:
            other(context)
        except NeedFacts as further:
            facts |= further.facts
        except ElError:
            continue
    return NeedFacts(frozenset(facts))
