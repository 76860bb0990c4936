"""Changes the key that secrets are sealed with, while everything goes on.

Theory of operation
-------------------
1. A new key is added to the key file. Nothing uses it yet.
2. The database names it as the one that seals. Every server hears that and seals with it from then on.
3. A pass goes through all sealed values (`store.sealed_record`), in pieces with rests between them, and seals again
   what an older key sealed. A mark in the database says how far it has come.
4. An old key is removed when a search through all of it finds nothing that needs it; then the search is made once more,
   and the key put back if something had been on its way.

| Killed …                     | The next start finds                | and |
|------------------------------|-------------------------------------|-----|
| between 1 and 2              | a key behind the one that seals     | the next rotation takes it |
| in 3                         | the mark                            | goes on there |
| between 3 and 4              | more than one key, nothing to do    | waits to be told |
| in 4, the key gone           | as many keys as are needed          | |

A value is replaced only if it still is what was read, and gives the same bytes whoever seals it again, so that two
servers may do it at once and a history still leads to its state.

What belongs to an instance that has not ended stays as it is: its engine has it in memory, and would write it back. It
is done when it has ended, by the pass that comes every hour while older keys are in use; or, in an embedded
installation, by the next start before any engine runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from arkwright.engine.clock import Clock, TimerHandle
from arkwright.engine.sealed_values import Finder
from arkwright.errors import IllegalState, NotFound, SettingInvalid, StoreUnavailable
from arkwright.iam.sealing import Sealer
from arkwright.store.base import Store
from arkwright.store.sealed_record import PARTS, SealedRow

log = logging.getLogger("arkwright.engine")

PIECE = 100
PACE = 4.0
LONGEST_REST_SECONDS = 2.0
EVERY_MS = 60 * 60 * 1000
MOST_KEYS = 10
SECOND_LOOK_SECONDS = 2.0
"""How long after a key was removed it is looked again whether something needs it: longer than any commit takes."""


class Mark(msgspec.Struct, kw_only=True, frozen=True):
    """How far the pass to a key has come; of a finished one what it had to leave."""

    key: str
    part: str = PARTS[0]
    after: list[str | int] | None = None
    finished: bool = False
    left: int = 0


@dataclass(slots=True, kw_only=True)
class Uses:
    """How often which key is needed."""

    by_key: Counter[str] = field(default_factory=Counter)
    unended: Counter[str] = field(default_factory=Counter)
    """Of those: in instances that have not ended."""
    unreadable: int = 0
    """Sealed values that none of the keys opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    key: str
    under_way: bool
    """False: the key is only made, and has to be copied to the other servers first."""


class Resealing:
    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        finders: Sequence[Finder],
        alone: bool,
        pace: float = PACE,
    ) -> None:
        """`alone`: no other server uses the database."""
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._finders = finders
        self._alone = alone
        self._pace = pace
        self._task: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._timer: TimerHandle | None = None
        self._closing = False
        self._heard = 0
        """Counts what was told of the key that seals."""
        self.resealed = 0
        """Rows since the start."""

    # -- life
    async def prepare(self) -> None:
        """Before anything else of the server: seal with the right key; embedded, seal again what nobody has in memory
        yet."""
        self._sealer.prefer(await self._store.sealing_key())
        self._store.on_sealing_changed(self._key_changed)
        mark = await self._mark()
        if self._alone and mark is not None and not (mark.finished and mark.left == 0):
            await self._part("instance", unended=True)

    async def open(self) -> None:
        """Go on with what was not finished."""
        mark = await self._mark()
        if mark is not None and not (mark.finished and mark.left == 0):
            self._begin()

    async def close(self) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        for task in (self._task, *self._telling):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    @property
    def under_way(self) -> bool:
        return self._task is not None and not self._task.done()

    # -- operations
    async def rotate(self, *, keys_copied: bool = False) -> Rotation:
        """A new key seals from now on, and all that is sealed follows. With several servers the first call only makes
        the key, and the one with `keys_copied` takes it: a server without it could open nothing new."""
        sealing = self._sealer.sealing_key_id()
        prepared = self._prepared(sealing)
        if prepared is None:
            if keys_copied and not self._alone:
                raise IllegalState(
                    "There is no new key yet that could have been copied.",
                    hint="Call it without keys_copied first, and copy the key file to the other servers.",
                )
            if len(self._sealer.key_ids()) >= MOST_KEYS:
                raise IllegalState(
                    f"There are {MOST_KEYS} keys already.", hint="Remove old ones that nothing needs any more."
                )
            prepared = await asyncio.to_thread(self._sealer.add_key)
        if not self._alone and not keys_copied:
            return Rotation(key=prepared, under_way=False)
        await self._stop_pass()
        await self._store.set_sealing_key(prepared)
        self._prefer(prepared)
        await self._store.set_resealing_mark(_encoded(Mark(key=prepared)))
        log.info("secrets are sealed with the key %s from now on", prepared)
        self._begin()
        return Rotation(key=prepared, under_way=True)

    async def uses(self) -> Uses:
        """Search all of it; changes nothing."""
        uses = Uses()
        for part in PARTS:
            after: Sequence[str | int] | None = None
            while True:
                page = await self._store.sealed_rows(part, after=after, limit=PIECE)
                for row in page.rows:
                    self._count(row, uses)
                if page.after is None:
                    break
                after = page.after
        return uses

    async def wait(self) -> None:
        """Until the pass that is under way has ended."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def remove(self, key_id: str) -> None:
        """Take a key that nothing needs out of the key file. Raises `NotFound` and `IllegalState`."""
        if key_id not in self._sealer.key_ids():
            raise NotFound(f"There is no key {key_id[:64]} in the key file.", field="key_id")
        if key_id == self._sealer.sealing_key_id():
            raise IllegalState(
                f"The key {key_id} is the one that seals.", field="key_id", hint="Rotate first: POST …/secrets/rotate."
            )
        if self.under_way:
            raise IllegalState("Secrets are being sealed again at this moment.", field="key_id", hint=_LATER)
        await self._store.replace_sealed(())  # forget what is cached, here and elsewhere
        await self._refuse_needed(key_id)
        await asyncio.to_thread(self._sealer.remove_key, key_id)
        try:
            await asyncio.sleep(SECOND_LOOK_SECONDS)
            await self._refuse_needed(key_id)
        except BaseException:
            self._sealer.restore_key(key_id)
            raise
        log.info("the key %s was removed: nothing was sealed with it any more", key_id)

    async def _refuse_needed(self, key_id: str) -> None:
        uses = await self.uses()
        needed = uses.by_key[key_id]
        if needed:
            waiting = uses.unended[key_id]
            what = f", {waiting:,} of them in instances that have not ended" if waiting else ""
            raise IllegalState(
                f"{needed:,} values are still sealed with the key {key_id}{what}.", field="key_id", hint=_LATER
            )

    # -- inside
    def key_ids(self) -> list[str]:
        return self._sealer.key_ids()

    def sealing_key_id(self) -> str:
        return self._sealer.sealing_key_id()

    def _prepared(self, sealing: str) -> str | None:
        """A key that was made and never sealed: they stand in the file in the order they were made."""
        known = self._sealer.key_ids()
        return known[-1] if known.index(sealing) < len(known) - 1 else None

    def _key_changed(self) -> None:
        self._heard += 1
        heard = self._heard

        async def hear() -> None:
            with contextlib.suppress(StoreUnavailable):
                key = await self._store.sealing_key()
                if heard == self._heard:  # else somebody knows better by now
                    self._sealer.prefer(key)

        task = asyncio.ensure_future(hear())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _prefer(self, key_id: str) -> None:
        """What is being read at this moment may be older."""
        self._heard += 1
        self._sealer.prefer(key_id)

    async def _mark(self) -> Mark | None:
        """Of the key that seals now; None: it never followed another one."""
        text = await self._store.resealing_mark()
        sealing = await self._store.sealing_key()
        if not sealing:
            return None
        mark = msgspec.json.decode(text, type=Mark) if text else Mark(key=sealing)
        return mark if mark.key == sealing else Mark(key=sealing)

    def _begin(self) -> None:
        if not self.under_way and not self._closing:
            self._task = asyncio.get_running_loop().create_task(self._pass(), name="arkwright-resealing")

    async def _stop_pass(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _pass(self) -> None:
        try:
            mark = await self._mark()
            if mark is None:
                return
            self._prefer(mark.key)
            left = mark.left if not mark.finished else 0
            begin = 0 if mark.finished else PARTS.index(mark.part)
            for part in PARTS[begin:]:
                after = mark.after if part == mark.part and not mark.finished else None
                left = await self._part(part, key=mark.key, after=after, left=left)
            await self._store.set_resealing_mark(_encoded(Mark(key=mark.key, finished=True, left=left)))
            log.info("all secrets are sealed with the key %s but for %d values", mark.key, left)
            again = left > 0
        except StoreUnavailable as error:
            log.warning("sealing secrets again was interrupted: %s", error)
            again = True
        except Exception:
            log.exception("sealing secrets again failed; it goes on within the hour")
            again = True
        if again and not self._closing:
            self._timer = self._clock.call_at(self._clock.now_ms() + EVERY_MS, self._begin)

    async def _part(
        self,
        part: str,
        *,
        key: str = "",
        after: Sequence[str | int] | None = None,
        left: int = 0,
        unended: bool = False,
    ) -> int:
        """One part from there on; how many values had to be left so far."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            page = await self._store.sealed_rows(part, after=after, limit=PIECE, unended=unended)
            changes = []
            for row in page.rows:
                value, stale = self._rewritten(row)
                if value is not None and (row.ended or unended):
                    changes.append((row, value))
                elif stale:
                    left += stale
            if changes:
                replaced = await self._store.replace_sealed(changes, unended=unended)
                self.resealed += replaced
                left += len(changes) - replaced
            after = page.after
            if not unended and (changes or after is not None):
                mark = Mark(key=key, part=part, after=None if after is None else list(after), left=left)
                await self._store.set_resealing_mark(_encoded(mark))
            if after is None:
                return left
            if not unended:
                await asyncio.sleep(min(LONGEST_REST_SECONDS, self._pace * (loop.time() - begun)))

    def _rewritten(self, row: SealedRow) -> tuple[str | bytes | None, int]:
        """The row's value with all secrets under the key that seals (None: it is already), and how many were not.
        What no key opens stays as it is."""
        value: str | bytes = row.value
        stale = 0
        if isinstance(row.value, bytes):
            for bound_to, sealed in self._bytes(row):
                if not self._sealer.is_current(sealed):
                    with contextlib.suppress(SettingInvalid):
                        value = self._sealer.resealed(bound_to, sealed)
                        stale += 1
            return (value if stale else None), stale
        text = row.value
        for finder in self._finders:
            for found in finder(row):
                try:
                    sealed = found.sealed
                    if self._sealer.is_current(sealed):
                        continue
                    text = text.replace(found.text, found.written(self._sealer.resealed(found.bound_to, sealed)))
                    stale += 1
                except (ValueError, SettingInvalid):
                    continue
        return (text if stale else None), stale

    def _count(self, row: SealedRow, uses: Uses) -> None:
        if isinstance(row.value, bytes):
            found = self._bytes(row)
        else:
            found = []
            for finder in self._finders:
                for each in finder(row):
                    try:
                        found.append((each.bound_to, each.sealed))
                    except ValueError:
                        uses.unreadable += 1
        for bound_to, sealed in found:
            key = self._sealer.key_of(bound_to, sealed)
            if key is None:
                uses.unreadable += 1
                continue
            uses.by_key[key] += 1
            if not row.ended:
                uses.unended[key] += 1

    def _bytes(self, row: SealedRow) -> list[tuple[str, bytes]]:
        """A kept answer, which is sealed as a whole."""
        return [(f"answer {row.name}", row.value)] if isinstance(row.value, bytes) and row.value else []


_LATER = "Look again later: secrets status says what is left."


def _encoded(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()
