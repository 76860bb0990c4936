"""What functions get besides their arguments: the scope, the budget of work, and the way to ask for facts."""

from __future__ import annotations

from typing import Final

from arkwright.el.coerce import to_text
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.java_dates import java_text
from arkwright.el.java_zones import Zone, find_zone
from arkwright.el.scope import Fact, Scope, Step
from arkwright.el.values import Date

_ABSENT: Final = object()


class NeedFacts(Exception):
    """Evaluation can't go on without these facts. Never leaves this package."""

    def __init__(self, facts: frozenset[Fact]) -> None:
        super().__init__(facts)
        self.facts = facts


class Context:
    """The state of one evaluation. Not shared, not kept."""

    __slots__ = ("_zone", "result_chars", "scope", "steps", "work_left")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.work_left = scope.limits.steps
        self.result_chars = scope.limits.result_chars
        self.steps: list[Step] = []
        self._zone: Zone | None = None

    @property
    def zone(self) -> Zone:
        """The zone of the workspace. Looked up only when a date needs it, so that other texts don't fail by it."""
        zone = self._zone
        if zone is None:
            zone = self._zone = find_zone(self.scope.time_zone)
        return zone

    def text(self, value: object) -> str:
        """A value as it appears in a text."""
        if isinstance(value, Date):
            return java_text(value.milliseconds, self.zone)
        return to_text(value)

    def fact(self, fact: Fact) -> object:
        """The value of a fact; NeedFacts if the scope doesn't have it."""
        value = self.scope.facts.get(fact, _ABSENT)
        if value is _ABSENT:
            raise NeedFacts(frozenset((fact,)))
        return value

    def work(self, units: int) -> None:
        """Pay for work that grows faster than the text it works on."""
        self.work_left -= units
        if self.work_left < 0:
            raise ElError(
                ErrorKind.LIMIT,
                f"the expression takes more than {self.scope.limits.steps} steps",
                hint="shorten the texts it works on, or do this in a node",
            )

    def room(self, characters: int) -> None:
        """Make sure that a text of this length may come up. Called before it is made."""
        if characters > self.result_chars:
            raise ElError(
                ErrorKind.LIMIT,
                f"a text of {characters} characters comes up; the limit is {self.result_chars}",
                hint="shorten the texts it works on, or do this in a node",
            )
