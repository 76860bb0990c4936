"""What a node wants of its children, before any of them exists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from arkwright.core.control.children import ChildRequest
from arkwright.core.record import Record
from arkwright.el import Fact, LoopScope, Missing

TextOf = Callable[[str, LoopScope | None], str | Missing]
"""A text with its parameters and expressions replaced, with `Loop` standing for a row. Raises `ElError`."""


class Wanted(Record, frozen=True, kw_only=True):
    job_name: str
    concurrency: int
    requests: tuple[ChildRequest, ...]

    @property
    def digest(self) -> str:
        """The same for the same job and the same rows, in any process."""
        found = hashlib.sha256(self.job_name.encode())
        for request in self.requests:
            for name, value in request.parameters.items():
                found.update(f"{len(name)}:{len(value)}:{name}{value}".encode("utf-8", "surrogatepass"))
            found.update(b";")
        return found.hexdigest()[:32]


def missing_of(answers: Iterable[str | Missing]) -> Missing | None:
    """All facts that some of the answers need; None: nothing is missing."""
    facts: set[Fact] = set()
    for answer in answers:
        if isinstance(answer, Missing):
            facts |= answer.facts
    return Missing(frozenset(facts)) if facts else None
