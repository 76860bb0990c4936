"""From the source of an expression to its tree.

Operators in order of binding, tightest first: ``. [] ()``; ``- ! not empty``; ``* / div % mod``; ``+ -``;
``< > <= >= lt gt le ge``; ``== != eq ne``; ``&& and``; ``|| or``; ``? :``. The words mean the same as the signs.

Nesting is bounded while parsing, so that neither a parser nor an evaluator can run out of stack.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.lexer import Token, TokenKind, tokens
from arkwright.el.syntax import Call, Chain, Choice, Index, Literal, Name, Node, Property, Unary
from arkwright.el.values import LONG_MAX

# More than a person nests, and far from the end of the interpreter's stack.
DEEPEST: Final = 100

_WORDS: Final = {
    "div": "/", "mod": "%", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "and": "&&",
    "or": "||", "not": "!", "empty": "empty",
}  # fmt: skip
_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_RESERVED: Final = frozenset(_WORDS) | frozenset(_CONSTANTS) | {"instanceof"}
_LEVELS: Final = {
    "||": 0, "&&": 1, "==": 2, "!=": 2, "<": 3, ">": 3, "<=": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A tree, the number of its nodes, and how deep it nests."""

    root: Node
    size: int
    depth: int


def parse_expression(source: str) -> Parsed:
    """The tree of an expression (without ``#{`` and ``}``); ElError if it has none."""
    parser = _Parser(source)
    return parser.parse()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.index = 0
        self.size = 0
        self.depth = 0
        self.deepest = 0

    def parse(self) -> Parsed:
        root = self.expression()
        if self.current.kind is not TokenKind.END:
            raise self.unexpected("an operator or the end")
        return Parsed(root=root, size=self.size, depth=max(self.deepest, root.height))

    @property
    def current(self) -> Token:
        return self.tokens[self.index]

    def operator(self) -> str:
        """The operator at hand, words as signs, or "" if there is none."""
        token = self.current
        if token.kind is TokenKind.SYMBOL:
            return token.text
        return _WORDS.get(token.text, "") if token.kind is TokenKind.NAME else ""

    def take(self) -> Token:
        token = self.current
        self.index += 1
        return token

    def accept(self, symbol: str) -> bool:
        token = self.current
        if token.kind is TokenKind.SYMBOL and token.text == symbol:
            self.index += 1
            return True
        return False

    def expect(self, symbol: str, after: str) -> Token:
        token = self.current
        if not self.accept(symbol):
            raise self.unexpected(f"'{symbol}' {after}")
        return token

    def descend(self, levels: int = 1) -> None:
        self.depth += levels
        self.deepest = max(self.deepest, self.depth)
        self.check_depth(self.depth)

    def check_depth(self, levels: int) -> None:
        if levels > DEEPEST:
            message = f"the expression nests deeper than {DEEPEST} levels"
            raise ElError(ErrorKind.LIMIT, message, position=self.current.start, expression=self.source)

    def height_over(self, *nodes: Node) -> int:
        """The height of a node above these."""
        self.size += 1
        height = 1 + max((node.height for node in nodes), default=0)
        self.check_depth(height)
        return height

    def unexpected(self, expected: str) -> ElError:
        token = self.current
        if token.kind is TokenKind.END:
            message = f"the expression ends where {expected} should follow"
        else:
            message = f"expected {expected}, found '{self.source[token.start : token.end]}'"
        around = self.source[max(0, token.start - 20) : token.end + 20]
        return ElError(ErrorKind.SYNTAX, message, position=token.start, expression=around, hint=_hint(token))

    def expression(self) -> Node:
        self.descend()
        condition = self.binary()
        if self.accept("?"):
            yes = self.expression()
            self.expect(":", "of '? :'")
            no = self.expression()
            height = self.height_over(condition, yes, no)
            condition = Choice(condition=condition, yes=yes, no=no, start=condition.start, end=no.end, height=height)
        self.depth -= 1
        return condition

    def binary(self) -> Node:
        # One frame for all levels of precedence: open chains wait on a list until a looser operator closes them.
        waiting: list[tuple[int, list[Node], list[str]]] = []
        operand = self.unary()
        while True:
            operator = self.operator()
            level = _LEVELS.get(operator, -1)
            while waiting and waiting[-1][0] > level:
                _, operands, operators = waiting.pop()
                operand = self.chain([*operands, operand], operators)
            if level < 0:
                return operand
            self.take()
            if waiting and waiting[-1][0] == level:
                waiting[-1][1].append(operand)
                waiting[-1][2].append(operator)
            else:
                waiting.append((level, [operand], [operator]))
            operand = self.unary()

    def chain(self, operands: list[Node], operators: list[str]) -> Node:
        self.size += len(operators)
        height = self.height_over(*operands)
        rest = tuple(zip(operators, operands[1:], strict=True))
        return Chain(first=operands[0], rest=rest, start=operands[0].start, end=operands[-1].end, height=height)

    def unary(self) -> Node:
        signs: list[tuple[str, int]] = []
        while (operator := self.operator()) in ("-", "!", "empty"):
            signs.append((operator, self.take().start))
        self.descend(len(signs))
        is_negative = bool(signs) and signs[-1][0] == "-"
        operand = self.postfix(is_negative=is_negative)
        for sign, start in reversed(signs):
            height = self.height_over(operand)
            operand = Unary(operator=sign, operand=operand, start=start, end=operand.end, height=height)
        self.depth -= len(signs)
        return operand

    def postfix(self, *, is_negative: bool) -> Node:
        node = self.primary(is_negative=is_negative)
        while True:
            start = node.start
            if self.accept("."):
                token = self.take()
                if token.kind is not TokenKind.NAME:
                    self.index -= 1
                    raise self.unexpected("a name after '.'")
                # "Job.name" is one level, like a name.
                height = 0 if isinstance(node, Name) else self.height_over(node)
                node = Property(base=node, name=token.text, start=start, end=token.end, height=height)
            elif self.accept("["):
                key = self.expression()
                end = self.expect("]", "after the index").end
                node = Index(base=node, key=key, start=start, end=end, height=self.height_over(node, key))
            elif self.accept("("):
                arguments, end = self.arguments()
                height = self.height_over(node, *arguments)
                node = Call(callee=node, arguments=arguments, start=start, end=end, height=height)
            else:
                return node

    def arguments(self) -> tuple[tuple[Node, ...], int]:
        end = self.current.end
        if self.accept(")"):
            return (), end
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        end = self.expect(")", "after the arguments").end
        return tuple(found), end

    def primary(self, *, is_negative: bool) -> Node:
        token = self.take()
        self.size += 1
        match token.kind:
            case TokenKind.INTEGER:
                return self.integer(token, is_negative=is_negative)
            case TokenKind.DECIMAL:
                return self.decimal(token)
            case TokenKind.STRING:
                return Literal(value=token.text, start=token.start, end=token.end)
            case TokenKind.NAME if token.text in _CONSTANTS:
                return Literal(value=_CONSTANTS[token.text], start=token.start, end=token.end)
            case TokenKind.NAME if token.text not in _RESERVED:
                return Name(name=token.text, start=token.start, end=token.end)
            case TokenKind.SYMBOL if token.text == "(":
                inner = self.expression()
                end = self.expect(")", "after the expression in brackets").end
                return replace(inner, start=token.start, end=end)
            case _:
                self.index -= 1
                raise self.unexpected("a value")

    def integer(self, token: Token, *, is_negative: bool) -> Node:
        digits = token.text.lstrip("0") or "0"
        # The smallest number has no positive twin: "-9223372036854775808" must be readable.
        if len(digits) > 19 or int(digits) > LONG_MAX + is_negative:
            raise ElError(
                ErrorKind.NUMBER,
                "the number doesn't fit into 64 bits",
                position=token.start,
                expression=token.text,
                hint="write it as a string if it isn't to be calculated with",
            )
        return Literal(value=int(digits), start=token.start, end=token.end)

    def decimal(self, token: Token) -> Node:
        value = float(token.text)
        if value == float("inf"):
            message = "the number is too large for a Double"
            raise ElError(ErrorKind.NUMBER, message, position=token.start, expression=token.text)
        return Literal(value=value, start=token.start, end=token.end)


def _hint(token: Token) -> str:
    if token.kind is TokenKind.STRING:
        return 'join strings with +; a quote inside of a string is written \\"'
    if token.kind is TokenKind.NAME and token.text in _RESERVED:
        return f"'{token.text}' is an operator word"
    if token.kind is TokenKind.SYMBOL and token.text == "[":
        return "lists can't be written here; JSONUtil.parse makes them from text"
    return ""
