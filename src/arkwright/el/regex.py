"""Regular expressions in the syntax of Java, matched in time linear in the text.

A pattern that backtracks can keep a process busy for years, and patterns come from users. So this matcher keeps a
list of all possible states instead of backtracking (Pike's method), with the same answer: leftmost match, first
alternative and greediness by preference. What can't be done that way is refused: back references, look-around,
possessive quantifiers and atomic groups. Also refused: intersections and nesting in character classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from arkwright.el.context import Context
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.regex_program import Jump, Mark, Program, Split, Stop, Take, Where
from arkwright.el.regex_syntax import compile_pattern

_REFERENCE: Final = re.compile(r"\\(.)|\$\{([A-Za-z][A-Za-z0-9]*)\}|\$([0-9])|([\\$])", re.DOTALL)

Slots = tuple[int, ...]


def replace_matches(
    context: Context, text: str, pattern: str, replacement: str, *, limit: int = -1, dot_all: bool = False
) -> str:
    """The text with each match (or the first ``limit``) replaced; ``$1`` and ``${name}`` stand for groups."""
    program = compile_pattern(pattern, dot_all)
    template = _read_replacement(program, replacement)
    pieces: list[str] = []
    size = position = search_from = 0
    while limit != 0 and search_from <= len(text):
        slots = _search(context, program, text, search_from)
        if slots is None:
            break
        start, end = slots[0], slots[1]
        put = "".join(part if isinstance(part, str) else _group(text, slots, part) for part in template)
        pieces += (text[position:start], put)
        size += start - position + len(put)
        context.room(size)
        position = end
        search_from = end if end > start else end + 1
        limit -= 1
    return "".join([*pieces, text[position:]])


def _group(text: str, slots: Slots, number: int) -> str:
    start, end = slots[2 * number], slots[2 * number + 1]
    return text[start:end] if start >= 0 and end >= 0 else ""


@dataclass(frozen=True, slots=True)
class _Thread:
    at: int
    slots: Slots


def _search(context: Context, program: Program, text: str, start: int) -> Slots | None:
    """The groups' places of the first match from ``start`` on, or None."""
    threads: list[_Thread] = []
    best: Slots | None = None
    nothing: Slots = (-1,) * program.slots
    if program.first is not None:
        start = text.find(program.first, start)
        if start < 0:
            return None
    for position in range(start, len(text) + 1):
        if best is None:
            threads = _spread(context, program, text, position, [*threads, _Thread(0, nothing)])
        else:
            threads = _spread(context, program, text, position, threads)
        following: list[_Thread] = []
        unit = text[position] if position < len(text) else None
        for thread in threads:
            instruction = program.instructions[thread.at]
            if isinstance(instruction, Stop):
                # Threads after this one are less preferred, so they can't win any more.
                best = thread.slots
                break
            if isinstance(instruction, Take) and unit is not None and instruction.accepts(unit):
                following.append(_Thread(thread.at + 1, thread.slots))
        threads = following
        if best is not None and not threads:
            return best
    return best


def _spread(context: Context, program: Program, text: str, position: int, threads: list[_Thread]) -> list[_Thread]:
    """Follow everything that takes no character, in order of preference, each instruction once."""
    seen: set[int] = set()
    reached: list[_Thread] = []
    for first in threads:
        waiting = [first]
        while waiting:
            thread = waiting.pop()
            if thread.at in seen:
                continue
            seen.add(thread.at)
            instruction = program.instructions[thread.at]
            match instruction:
                case Jump():
                    waiting.append(_Thread(instruction.to, thread.slots))
                case Split():
                    waiting.append(_Thread(instruction.otherwise, thread.slots))
                    waiting.append(_Thread(instruction.preferred, thread.slots))
                case Mark():
                    slots = list(thread.slots)
                    slots[instruction.slot] = position
                    waiting.append(_Thread(thread.at + 1, tuple(slots)))
                case Where():
                    if instruction.holds(text, position):
                        waiting.append(_Thread(thread.at + 1, thread.slots))
                case _:
                    reached.append(thread)
    context.work(1 + len(seen))
    return reached


def _read_replacement(program: Program, replacement: str) -> list[str | int]:
    """Literal texts and numbers of groups."""
    return _replacement_parts(replacement, program.groups, program.names)


@lru_cache(maxsize=256)
def _replacement_parts(replacement: str, groups: int, names: tuple[tuple[str, int], ...]) -> list[str | int]:
    by_name = dict(names)
    parts: list[str | int] = []
    position = 0
    while (found := _REFERENCE.search(replacement, position)) is not None:
        parts.append(replacement[position : found.start()])
        position = found.end()
        escaped, name, digit, lone = found.groups()
        if escaped is not None:
            parts.append(escaped)
            continue
        number = by_name.get(name, -1) if name is not None else int(digit or "-1")
        if lone is not None or not 0 <= number <= groups:
            what = "a lone backslash or dollar" if lone is not None else f"the group '{found[0]}' does not exist"
            hint = "write \\$ for a dollar; groups are $1, $2, … or ${name}"
            raise ElError(ErrorKind.REGEX, f"in the replacement '{replacement}': {what}", hint=hint)
        # Java takes further digits as long as there is such a group.
        while digit is not None and position < len(replacement) and replacement[position] in "0123456789":
            longer = number * 10 + int(replacement[position])
            if longer > groups:
                break
            number, position = longer, position + 1
        parts.append(number)
    parts.append(replacement[position:])
    return parts
