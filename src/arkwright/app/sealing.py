"""Who finds which sealed values, for the change of the key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from arkwright.engine import sealed_values
from arkwright.engine.clock import SystemClock
from arkwright.engine.resealing import Resealing
from arkwright.errors import SettingInvalid
from arkwright.iam.sealing import Sealer
from arkwright.notify import topic
from arkwright.scheduler.events import webhook
from arkwright.store import sealed
from arkwright.store.base import Store
from arkwright.store.check import Finding
from arkwright.store.copy_ends import End
from arkwright.store.sealed_record import SealedPage

FINDERS = (
    sealed_values.masked_parameters,
    sealed_values.connections,
    sealed_values.access_keys,
    topic.sealed_secrets,
    webhook.sealed_secrets,
)
"""Kept answers are sealed as a whole and need none."""


def make_resealing(store: Store, sealer: Sealer, *, alone: bool) -> Resealing:
    return Resealing(store=store, sealer=sealer, clock=SystemClock(), finders=FINDERS, alone=alone)


class _Reading:
    """What `Resealing.uses` needs of a store, of a database that no server of ours has open."""

    def __init__(self, end: End) -> None:
        self._end = end

    async def sealed_rows(
        self, part: str, *, after: Sequence[Any] | None = None, limit: int = 200, unended: bool = False
    ) -> SealedPage:
        return await self._end.do(sealed.page(part, after, limit, unended))


async def sealed_values_finding(end: End, key_file: Path) -> Finding:
    """Whether the key file opens everything that is sealed. Makes no key file."""
    resealing = make_resealing(cast("Store", _Reading(end)), Sealer(key_file), alone=False)
    hint = f"Put the installation's own secret.key to {key_file}, or name its data folder with --data."
    try:
        uses = await resealing.uses()
    except SettingInvalid as error:
        return Finding(check="sealed values", looked_at=str(key_file), wrong=1, named=(str(error),), hint=hint)
    total = sum(uses.by_key.values()) + uses.unreadable
    named = (f"{uses.unreadable} can't be opened with {key_file}",) if uses.unreadable else ()
    return Finding(check="sealed values", looked_at=f"{total} secrets", wrong=uses.unreadable, named=named, hint=hint)
