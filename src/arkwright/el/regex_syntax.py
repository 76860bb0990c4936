"""Reading regular expressions in Java's syntax into programs for the matcher in ``regex``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NoReturn

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.regex_program import (
    Either,
    Group,
    One,
    Piece,
    Place,
    Program,
    Repeat,
    Sequence,
    Test,
    write_program,
)

DEEPEST: Final = 50
_LONGEST_PATTERN: Final = 2000

_LINE_ENDS: Final = "\n\r\u0085\u2028\u2029"
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_SPACE: Final = " \t\n\x0b\f\r"


def _is_digit(unit: str) -> bool:
    return "0" <= unit <= "9"


def _is_word(unit: str) -> bool:
    return unit.isascii() and (unit.isalnum() or unit == "_")


def _is_space(unit: str) -> bool:
    return unit in _SPACE


_CLASSES: Final[dict[str, Test]] = {
    "d": _is_digit,
    "w": _is_word,
    "s": _is_space,
    "h": lambda unit: unit in " \t\u00a0",
}
_POSIX: Final[dict[str, Test]] = {
    "Lower": lambda unit: "a" <= unit <= "z",
    "Upper": lambda unit: "A" <= unit <= "Z",
    "Alpha": lambda unit: unit.isascii() and unit.isalpha(),
    "Digit": _is_digit,
    "Alnum": lambda unit: unit.isascii() and unit.isalnum(),
    "Punct": lambda unit: "!" <= unit <= "~" and not unit.isalnum(),
    "Graph": lambda unit: "!" <= unit <= "~",
    "Print": lambda unit: " " <= unit <= "~",
    "Blank": lambda unit: unit in " \t",
    "Cntrl": lambda unit: unit < " " or unit == "\x7f",
    "XDigit": lambda unit: unit in "0123456789abcdefABCDEF",
    "Space": _is_space,
    "ASCII": lambda unit: unit.isascii(),
    "IsAlphabetic": lambda unit: unit.isalpha(),
    "IsDigit": lambda unit: unit.isdecimal(),
    "IsHan": lambda unit: "\u3400" <= unit <= "\u4dbf" or "\u4e00" <= unit <= "\u9fff" or "\uf900" <= unit <= "\ufaff",
}


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, dot_all: bool = False) -> Program:
    """The program of a pattern; ElError if it can't be read or asks for what isn't supported."""
    if len(pattern) > _LONGEST_PATTERN:
        raise ElError(ErrorKind.LIMIT, f"a regular expression has at most {_LONGEST_PATTERN} characters")
    reader = _Reader(pattern, dot_all=dot_all)
    piece = reader.read()
    return write_program(pattern, piece, reader.names, reader.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flags:
    ignore_case: bool = False
    dot_all: bool = False
    multi_line: bool = False


@dataclass(slots=True)
class _Reader:
    """A reader that goes down the grammar: alternatives, sequences, quantified atoms."""

    pattern: str
    dot_all: bool
    position: int = 0
    groups: int = 0
    depth: int = 0
    names: dict[str, int] = field(default_factory=dict)
    flags: _Flags = field(default_factory=_Flags)

    def read(self) -> Piece:
        self.flags = _Flags(dot_all=self.dot_all)
        piece = self.either()
        if self.position < len(self.pattern):
            self.fail("a ')' without '('")
        return piece

    def fail(self, message: str, hint: str = "") -> NoReturn:
        shown = self.pattern if len(self.pattern) <= 60 else self.pattern[:57] + "…"
        where = f"in the regular expression '{shown}' at its character {self.position + 1}"
        raise ElError(ErrorKind.REGEX, f"{message} {where}", hint=hint)

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.position)

    def accept(self, text: str) -> bool:
        if not self.peek(text):
            return False
        self.position += len(text)
        return True

    def next(self) -> str:
        if self.position >= len(self.pattern):
            self.fail("something is missing")
        self.position += 1
        return self.pattern[self.position - 1]

    def either(self) -> Piece:
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail("groups nest too deeply")
        flags = self.flags
        choices = [self.sequence()]
        while self.accept("|"):
            choices.append(self.sequence())
        self.flags = flags
        self.depth -= 1
        return choices[0] if len(choices) == 1 else Either(tuple(choices))

    def sequence(self) -> Piece:
        parts: list[Piece] = []
        while self.position < len(self.pattern) and not self.peek("|") and not self.peek(")"):
            if self.accept("\\Q"):
                end = self.pattern.find("\\E", self.position)
                end = len(self.pattern) if end < 0 else end
                parts += [self.literal(unit) for unit in self.pattern[self.position : end]]
                self.position = min(end + 2, len(self.pattern))
                if parts:
                    parts[-1] = self.quantified(parts[-1])
                continue
            atom = self.atom()
            if atom is not None:
                parts.append(self.quantified(atom))
        return Sequence(tuple(parts))

    def quantified(self, atom: Piece) -> Piece:
        while True:
            if self.accept("*"):
                least, most = 0, None
            elif self.accept("+"):
                least, most = 1, None
            elif self.accept("?"):
                least, most = 0, 1
            elif self.peek("{"):
                least, most = self.counts()
            else:
                return atom
            if self.peek("+"):
                self.fail("possessive quantifiers aren't supported")
            atom = Repeat(atom, least, most, self.accept("?"))

    def counts(self) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.position)
        first, comma, last = self.pattern[self.position + 1 : end].partition(",") if end > 0 else ("", "", "")
        is_number = first.isdecimal() and len(first) < 5 and (not last or (last.isdecimal() and len(last) < 5))
        if not is_number or (last and int(last) < int(first)):
            self.fail("'{' begins no repetition such as {2,5}", "write \\{ for the character")
        self.position = end + 1
        least = int(first)
        return least, (int(last) if last else None) if comma else least

    def atom(self) -> Piece | None:
        unit = self.next()
        match unit:
            case "(":
                return self.group()
            case "[":
                return One(self.character_class())
            case ".":
                return One((lambda unit: True) if self.flags.dot_all else (lambda unit: unit not in _LINE_ENDS))
            case "^":
                return Place(_line_start if self.flags.multi_line else _text_start)
            case "$":
                return Place(_line_end if self.flags.multi_line else _text_end)
            case "\\":
                return self.escape()
            case "*" | "+" | "?" | "{":
                self.position -= 1
                self.fail(f"there is nothing for '{unit}' to repeat", f"write \\{unit} for the character")
        return self.literal(unit)

    def literal(self, unit: str) -> One:
        if not self.flags.ignore_case or not unit.isascii() or not unit.isalpha():
            return One(lambda other: other == unit, unit)
        lower = unit.lower()
        return One(lambda other: other.isascii() and other.lower() == lower)

    def group(self) -> Piece | None:
        if not self.accept("?"):
            self.groups += 1
            return self.inside(self.groups)
        if self.accept(":"):
            return self.inside(None)
        if self.accept("<") and not (self.peek("=") or self.peek("!")):
            end = self.pattern.find(">", self.position)
            name = self.pattern[self.position : end] if end > 0 else ""
            if not name.isalnum() or not name.isascii() or not name[0].isalpha() or name in self.names:
                self.fail("a group has no proper name of its own")
            self.position = end + 1
            self.groups += 1
            self.names[name] = self.groups
            return self.inside(self.groups)
        if self.peek("=") or self.peek("!") or self.peek(">"):
            self.fail("look-around and atomic groups aren't supported")
        return self.flag_group()

    def inside(self, number: int | None) -> Piece:
        piece = self.either()
        if not self.accept(")"):
            self.fail("a '(' without ')'")
        return piece if number is None else Group(number, piece)

    def flag_group(self) -> Piece | None:
        """``(?i)`` for the rest of the group it stands in, ``(?i:…)`` for its inside."""
        before, is_on = self.flags, True
        values = {"i": before.ignore_case, "s": before.dot_all, "m": before.multi_line}
        while (unit := self.next()) not in ":)":
            if unit == "-":
                is_on = False
            elif unit in values:
                values[unit] = is_on
            else:
                self.fail(f"the flag '{unit}' isn't supported", "there are i, s and m")
        self.flags = _Flags(ignore_case=values["i"], dot_all=values["s"], multi_line=values["m"])
        if unit == ")":
            return None
        piece = self.inside(None)
        self.flags = before
        return piece

    def escape(self) -> Piece:
        unit = self.next()
        if unit in "bB":
            is_boundary = unit == "b"
            return Place(lambda text, at: _at_word_boundary(text, at) == is_boundary)
        if unit == "A":
            return Place(_text_start)
        if unit in "zZ":
            return Place((lambda text, at: at == len(text)) if unit == "z" else _text_end)
        if unit in "123456789k":
            self.fail("back references aren't supported")
        test = self.class_escape(unit)
        return One(test) if test is not None else self.literal(self.character(unit))

    def class_escape(self, unit: str) -> Test | None:
        """A class such as ``\\d``, ``\\S`` or ``\\p{L}``; None if it's an escaped character."""
        if unit in "pP":
            inner = self.property()
        elif unit.lower() in _CLASSES:
            inner = _CLASSES[unit.lower()]
        else:
            return None
        return (lambda other: not inner(other)) if unit.isupper() else inner

    def property(self) -> Test:
        name = self.next()
        if name == "{":
            end = self.pattern.find("}", self.position)
            name = self.pattern[self.position : end] if end > 0 else ""
            self.position = end + 1
        if name in _POSIX:
            return _POSIX[name]
        category = name.removeprefix("Is")
        if category not in ("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "N", "Nd", "P", "S", "Z", "Zs", "C", "Cc"):
            self.fail(f"the class \\p{{{name}}} isn't known")
        return lambda unit: unicodedata.category(unit).startswith(category)

    def character(self, unit: str) -> str:
        if unit in _ESCAPES:
            return _ESCAPES[unit]
        if unit in "xu":
            digits = self.pattern[self.position : self.position + (2 if unit == "x" else 4)]
            if len(digits) != (2 if unit == "x" else 4) or any(
                digit not in "0123456789abcdefABCDEF" for digit in digits
            ):
                self.fail(f"\\{unit} isn't followed by a character's number")
            self.position += len(digits)
            return chr(int(digits, 16))
        if unit.isascii() and unit.isalnum():
            self.fail(f"the escape \\{unit} isn't known")
        return unit

    def character_class(self) -> Test:
        is_negated = self.accept("^")
        tests: list[Test] = []
        # A ']' directly after the opening is a character, not the end.
        while not tests or not self.accept("]"):
            if self.position >= len(self.pattern):
                self.fail("a '[' without ']'")
            if self.peek("[") or self.peek("&&"):
                self.fail("nested classes and '&&' aren't supported", "write \\[ for the character")
            tests.append(self.class_part())
        if self.flags.ignore_case:
            return lambda unit: (
                any(test(unit) or (unit.isascii() and (test(unit.lower()) or test(unit.upper()))) for test in tests)
                != is_negated
            )
        return lambda unit: any(test(unit) for test in tests) != is_negated

    def class_part(self) -> Test:
        unit = self.next()
        if unit == "\\":
            escaped = self.next()
            test = self.class_escape(escaped)
            if test is not None:
                return test
            unit = self.character(escaped)
        if not self.peek("-") or self.pattern[self.position + 1 : self.position + 2] in ("]", ""):
            return lambda other: other == unit
        self.position += 1
        last = self.next()
        if last == "\\":
            last = self.character(self.next())
        if last < unit:
            self.fail(f"the range {unit}-{last} is the wrong way round")
        return lambda other: unit <= other <= last


def _text_start(text: str, at: int) -> bool:
    return at == 0


def _text_end(text: str, at: int) -> bool:
    rest = text[at : at + 3]
    before_last_line_end = rest == "\r\n" or (len(rest) == 1 and rest in _LINE_ENDS)
    return at == len(text) or (before_last_line_end and not (rest == "\n" and text[at - 1 : at] == "\r"))


def _line_start(text: str, at: int) -> bool:
    if at == 0:
        return bool(text)
    return at < len(text) and text[at - 1] in _LINE_ENDS and text[at - 1 : at + 1] != "\r\n"


def _line_end(text: str, at: int) -> bool:
    return at == len(text) or (text[at] in _LINE_ENDS and text[at - 1 : at + 1] != "\r\n")


def _at_word_boundary(text: str, at: int) -> bool:
    before = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
    after = at < len(text) and (text[at].isalnum() or text[at] == "_")
    return before != after
