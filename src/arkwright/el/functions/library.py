"""How the methods of ``StringUtil`` are collected.

They are plain functions on texts. ``Library.method`` gives them their name and the kinds of their arguments, and
sees to it that lengths and indexes count UTF-16 units as in Java.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from arkwright.el.coerce import argument_text
from arkwright.el.context import Context
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.functions.signature import Kind, Method, Run, method
from arkwright.el.java_text import is_wide, join_units, split_units

Function = TypeVar("Function", bound=Run)


class Library:
    """Methods under their names, filled while the modules that define them are read."""

    def __init__(self) -> None:
        self.methods: dict[str, Method] = {}

    def method(
        self,
        *names: str,
        takes: tuple[Kind, ...] = (),
        optional: tuple[Kind, ...] = (),
        further: Kind | None = None,
        has_budget: bool = False,
        is_by_character: bool = False,
    ) -> Callable[[Function], Function]:
        """Enter a function under one or several names.

        ``has_budget``: its first argument is the context, of which it asks work and room. ``is_by_character``: it
        works on whole characters, so they are not to be cut into units.
        """

        def enter(function: Function) -> Function:
            run = _runner(function, has_budget=has_budget, is_by_character=is_by_character)
            for name in names:
                self.methods[name] = method(name, *takes, optional=optional, further=further, run=run)
            return function

        return enter


def texts(values: Sequence[object]) -> list[str | None]:
    """Further arguments as texts. A single list stands for its elements, as an array does in Java."""
    if len(values) == 1 and isinstance(values[0], list | tuple):
        values = values[0]
    return [argument_text(value) for value in values]


def bad_argument(message: str, hint: str = "") -> ElError:
    """The error for an argument of the right type that makes no sense."""
    return ElError(ErrorKind.WRONG_TYPE, message, hint=hint)


def _runner(function: Run, *, has_budget: bool, is_by_character: bool) -> Run:
    def run(context: Context, *arguments: object) -> object:
        if is_by_character or not any(_has_wide(argument) for argument in arguments):
            return function(context, *arguments) if has_budget else function(*arguments)
        cut = [_changed(argument, split_units) for argument in arguments]
        return _changed(function(context, *cut) if has_budget else function(*cut), join_units)

    return run


def _has_wide(value: object) -> bool:
    match value:
        case str():
            return is_wide(value)
        case list() | tuple():
            return any(isinstance(item, str) and is_wide(item) for item in value)
        case _:
            return False


def _changed(value: object, change: Callable[[str], str]) -> object:
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return [change(item) if isinstance(item, str) else item for item in value]
        case _:
            return value
