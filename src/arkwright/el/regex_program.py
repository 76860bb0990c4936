"""Programs for the matcher in ``regex``: their instructions, and how a pattern's tree becomes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from arkwright.el.errors import ElError, ErrorKind

LARGEST_PROGRAM: Final = 2000

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Take:
    """Take one character that passes a test."""

    accepts: Test


@dataclass(frozen=True, slots=True)
class Split:
    """Go both ways, one of them preferred."""

    preferred: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on elsewhere."""

    to: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Remember the place."""

    slot: int


@dataclass(frozen=True, slots=True)
class Where:
    """Go on only at certain places."""

    holds: Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Stop:
    """A match."""


Instruction = Take | Split | Jump | Mark | Where | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A compiled pattern. ``first`` is a character that every match begins with, if there is one."""

    instructions: tuple[Instruction, ...]
    slots: int
    groups: int
    names: tuple[tuple[str, int], ...]
    first: str | None


@dataclass(frozen=True, slots=True)
class One:
    """One character that passes a test; ``literal`` if it is a particular one."""

    test: Test
    literal: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A condition on the place, such as the start of a line."""

    holds: Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them, earlier ones preferred."""

    choices: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group whose place is remembered."""

    number: int
    inner: Piece


@dataclass(frozen=True, slots=True)
class Repeat:
    """Repetition; as often as possible, or as rarely if lazy."""

    inner: Piece
    least: int
    most: int | None
    is_lazy: bool


Piece = One | Place | Sequence | Either | Group | Repeat


def write_program(pattern: str, piece: Piece, names: dict[str, int], groups: int) -> Program:
    """The program of a pattern's tree; ElError if it would be too large."""
    writer = _Writer(pattern)
    writer.write(Group(0, piece))
    writer.add(Stop())
    return Program(
        instructions=tuple(writer.instructions),
        slots=2 * (groups + 1),
        groups=groups,
        names=tuple(names.items()),
        first=_first_literal(piece),
    )


def _first_literal(piece: Piece) -> str | None:
    match piece:
        case One():
            return piece.literal
        case Sequence() if piece.parts:
            return _first_literal(piece.parts[0])
        case Group():
            return _first_literal(piece.inner)
        case Repeat() if piece.least:
            return _first_literal(piece.inner)
        case _:
            return None


class _Writer:
    """Writes the program of a tree."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.instructions: list[Instruction] = []

    def add(self, instruction: Instruction) -> int:
        if len(self.instructions) >= LARGEST_PROGRAM:
            message = f"the regular expression '{self.pattern[:60]}' is too large"
            raise ElError(ErrorKind.LIMIT, message, hint="large counts such as {1000} make it large")
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def write(self, piece: Piece) -> None:
        match piece:
            case One():
                self.add(Take(piece.test))
            case Place():
                self.add(Where(piece.holds))
            case Sequence():
                for part in piece.parts:
                    self.write(part)
            case Group():
                self.add(Mark(2 * piece.number))
                self.write(piece.inner)
                self.add(Mark(2 * piece.number + 1))
            case Either():
                self.write_either(piece.choices)
            case Repeat():
                self.write_repeat(piece)

    def write_either(self, choices: tuple[Piece, ...]) -> None:
        ends: list[int] = []
        for choice in choices[:-1]:
            split = self.add(Stop())
            self.write(choice)
            ends.append(self.add(Stop()))
            self.instructions[split] = Split(split + 1, len(self.instructions))
        self.write(choices[-1])
        for end in ends:
            self.instructions[end] = Jump(len(self.instructions))

    def write_repeat(self, repeat: Repeat) -> None:
        for _ in range(repeat.least):
            self.write(repeat.inner)
        if repeat.most is None:
            split = self.add(Stop())
            self.write(repeat.inner)
            self.add(Jump(split))
            self.instructions[split] = self.split(split + 1, len(self.instructions), repeat)
            return
        splits: list[int] = []
        for _ in range(repeat.most - repeat.least):
            splits.append(self.add(Stop()))
            self.write(repeat.inner)
        for split in splits:
            self.instructions[split] = self.split(split + 1, len(self.instructions), repeat)

    def split(self, inside: int, outside: int, repeat: Repeat) -> Split:
        return Split(outside, inside) if repeat.is_lazy else Split(inside, outside)
