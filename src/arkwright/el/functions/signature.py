"""How built-in objects describe their members: explicit tables, no reflection.

A ``Method`` has the kinds of its arguments; the evaluator converts the arguments and counts them before it calls
``run``. So a function never sees an argument of the wrong type.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from arkwright.el.context import Context


class Kind(enum.Enum):
    """What an argument is converted to; the value is its name in messages."""

    TEXT = "String"
    NEEDED_TEXT = "String, not null"
    INTEGER = "int"
    TRUTH = "boolean"
    DATE = "Date"
    ANY = "Object"


Run = Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method: kinds of its arguments, how many are required, and the kind of any further ones."""

    name: str
    kinds: tuple[Kind, ...]
    required: int
    further: Kind | None = None
    run: Run

    @property
    def signature(self) -> str:
        """The method as a reader would write it: ``leftPad(String, int[, String])``."""
        shown = [kind.value.partition(",")[0] for kind in self.kinds]
        text = ", ".join(shown[: self.required])
        for number, kind in enumerate(shown[self.required :], start=self.required):
            text += f"[, {kind}]" if number else f"[{kind}]"
        if self.further is not None:
            text += (", " if self.kinds else "") + self.further.value.partition(",")[0] + "…"
        return f"{self.name}({text})"

    def accepts(self, count: int) -> bool:
        """True if the method can be called with that many arguments."""
        return self.required <= count and (self.further is not None or count <= len(self.kinds))

    def kind_of(self, index: int) -> Kind:
        """The kind of the argument at an index."""
        if index < len(self.kinds):
            return self.kinds[index]
        return self.further or Kind.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """An object that expressions can name: its properties, its methods, and objects inside of it."""

    name: str
    properties: Mapping[str, Callable[[Context], object]] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)
    children: Mapping[str, BuiltIn] = field(default_factory=dict)

    @property
    def member_names(self) -> list[str]:
        """All names that can follow the object."""
        return [*self.properties, *self.methods, *self.children]


def method(name: str, *kinds: Kind, optional: tuple[Kind, ...] = (), further: Kind | None = None, run: Run) -> Method:
    """A method whose ``run`` takes the context and the converted arguments."""
    return Method(name=name, kinds=kinds + optional, required=len(kinds), further=further, run=run)


def table(*methods: Method) -> Mapping[str, Method]:
    """Methods by name."""
    return {entry.name: entry for entry in methods}
