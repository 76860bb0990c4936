"""What the store tells of instances that another process changed.

A server knows of the instances that it runs itself. Of the others it hears here: after the commit, by place, in no
order, several changes in one. Where a database has one process (the embedded one), nothing is ever told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from arkwright.store.place import Place


class ChangeStore(Protocol):
    async def on_foreign_changes(self, place: Place, heard: Callable[[], None]) -> Callable[[], None]:
        """Call on the event loop's thread when an instance of the place began, ended or has another status, by
        another process; also when such news may have been missed. Answers what ends that."""
        ...
