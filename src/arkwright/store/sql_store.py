"""The store's contract on SQL, whatever the database: each method says which work to do, a subclass does it.

A subclass brings three things: `_start` and `_stop`, `_submit` (a writer joins the next group) and `_read`
(a piece of reading work). Everything it tells this class, it tells on the event loop's thread.

Kept in memory: ids in hand, the short numbers of places, and definitions' bodies. All of it is either immutable or
this process's own. Heads of definitions are kept by a process that is the database's only one (`_alone`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from arkwright.core.events import Event
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.errors import IllegalState, LeaseLost, StoreUnavailable
from arkwright.store import children, definitions, installation, instances, listing, ownership, servers
from arkwright.store.attempt_methods import AttemptMethods
from arkwright.store.base import (
    Accepted,
    AttemptRow,
    Commit,
    Definition,
    IdempotencyKey,
    InstanceFilter,
    Page,
    Place,
    PostedEvent,
)
from arkwright.store.change_methods import ChangeMethods
from arkwright.store.definition_methods import DefinitionMethods
from arkwright.store.definitions import BoundedCache
from arkwright.store.ids import BLOCK, Ids
from arkwright.store.installation_methods import InstallationMethods
from arkwright.store.notice_methods import NoticeMethods
from arkwright.store.patch_methods import PatchMethods
from arkwright.store.place_methods import PlaceMethods
from arkwright.store.retention_methods import RetentionMethods
from arkwright.store.schedule_methods import ScheduleMethods
from arkwright.store.sealed_methods import SealedMethods
from arkwright.store.server_methods import ServerMethods
from arkwright.store.trigger_methods import TriggerMethods
from arkwright.store.waiting import Unheard, heard, unless_heard
from arkwright.store.work import WAKE, Transaction, Work, Write

T = TypeVar("T")

CACHED_CHARACTERS = 16_000_000
"""Bound of the definitions kept in memory, by the length of their JSON."""


class SqlStore(
    PlaceMethods,
    DefinitionMethods,
    InstallationMethods,
    TriggerMethods,
    NoticeMethods,
    ScheduleMethods,
    PatchMethods,
    RetentionMethods,
    AttemptMethods,
    SealedMethods,
    ChangeMethods,
    ServerMethods,
    ABC,
):
    """`arkwright.store.base.Store` on SQL."""

    _alone: bool
    """Whether no other process uses the database."""

    def __init__(self) -> None:
        self._wakers: list[Callable[[], None]] = []
        self._identity_watchers: list[Callable[[], None]] = []
        self._notice_watchers: list[Callable[[], None]] = []
        self._rules_watchers: list[Callable[[], None]] = []
        self._planned_watchers: list[Callable[[frozenset[int] | None], None]] = []
        self._schedule_watchers: list[Callable[[], None]] = []
        self._slot_watchers: list[Callable[[], None]] = []
        self._server_watchers: list[Callable[[], None]] = []
        self._room_watchers: list[Callable[[], None]] = []
        self._lease_watchers: list[Callable[[], None]] = []
        self._change_watchers: dict[int, list[Callable[[], None]]] = {}
        self._cancel_watchers: list[Callable[[], None]] = []
        self._sealing_watchers: list[Callable[[], None]] = []
        self._forget()

    def _forget(self) -> None:
        """Begin as a new process would."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ids = Ids(self._fetch_ids)
        self._session = 0
        self._places: dict[tuple[str, str], int] = {}
        self._finding: dict[tuple[str, str], asyncio.Task[int]] = {}
        self._bodies: definitions.Bodies = BoundedCache(CACHED_CHARACTERS)
        self._heads: BoundedCache[tuple[Any, ...], Definition | str] = BoundedCache(CACHED_CHARACTERS)
        self._definition_writes = 0
        self._definition_epoch = 0
        self._unheard: list[tuple[str, int]] = []

    # ---------------------------------------------------------------- what a database brings

    @abstractmethod
    async def _start(self) -> None:
        """Connect and migrate."""

    @abstractmethod
    async def _stop(self) -> None:
        """Finish the writers that have come, then disconnect."""

    @abstractmethod
    def _submit(self, write: Write) -> None:
        """Let a writer join the next group."""

    @abstractmethod
    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T:
        """Do reading work; with `snapshot` all its statements see one moment."""

    @abstractmethod
    async def backup(self, target: str) -> None: ...

    # ---------------------------------------------------------------- writing

    def _waiter(self) -> asyncio.Future[Any]:
        if self._loop is None:
            raise StoreUnavailable("The store is not open.")
        return self._loop.create_future()

    async def _write(
        self,
        work: Callable[[Transaction], Work[T]],
        finished: Callable[[Any, BaseException | None, bool], None] | None = None,
        rows: int | None = None,
        unheard: Unheard | None = None,
    ) -> T:
        waiter = self._waiter()
        finished = finished or unless_heard(unheard)
        fence = servers.fence_now()
        if fence is None:
            self._submit(Write(work, waiter, finished=finished, rows=rows))
            return await heard(waiter, unheard)
        self._submit(Write(servers.behind(fence, work), waiter, finished=finished))
        try:
            return await heard(waiter, unheard)
        except LeaseLost:
            fence.lost()
            raise

    def _in_doubt(self) -> None:
        """The answer to a commit was lost: what it created or claimed may be this process's, and nobody here knows.
        As a new session, the engine is answered all that it owns again."""
        self._session += 1  # of this process's own block of ids, as the first one
        self._wake()

    def _wake(self) -> None:
        for wake in self._wakers:
            wake()

    def _made_known(self, channels: set[str]) -> None:
        """A commit of ours, or of another process, was about these."""
        if WAKE in channels:
            self._wake()
        self._notices_made_known(channels)
        self._schedules_made_known(channels)
        self._servers_made_known(channels)
        self._cancels_made_known(channels)
        self._sealing_made_known(channels)

    def _identity_changed(self) -> None:
        for changed in self._identity_watchers:
            changed()

    # ---------------------------------------------------------------- life

    async def open(self) -> None:
        if self._loop is not None:
            raise IllegalState("The store is open already.")
        self._loop = asyncio.get_running_loop()
        try:
            await self._start()
            moved_to = await self._read(installation.moved_to)
            if moved_to is not None:
                raise IllegalState(
                    f"This installation has moved to {moved_to}; here is what it left behind.",
                    hint="Start servers with that database. To go on here after all, where nothing goes on there: "
                    "arkwright db reopen.",
                )
            await self.reserve_ids(1)
            self._session = self._ids.next()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._loop is None:
            return
        try:
            await self._stop()
        finally:
            self._forget()

    async def ping(self) -> None:
        await self._write(installation.touch)

    async def installation_id(self) -> str:
        return await self._read(installation.installation_id)

    # ---------------------------------------------------------------- ids

    def next_id(self) -> int:
        return self._ids.next()

    async def reserve_ids(self, count: int) -> None:
        while self._ids.left < count:
            await self._write(partial(installation.next_block, count=BLOCK), finished=self._add_ids)

    def _fetch_ids(self) -> None:
        def arrived(block: Any, error: BaseException | None, waiting: bool) -> None:
            self._ids.fetched()
            self._add_ids(block, error, waiting)

        waiter = self._waiter()
        waiter.add_done_callback(lambda done: done.cancelled() or done.exception())  # a failure is met by the next call
        self._submit(Write(partial(installation.next_block, count=BLOCK), waiter, finished=arrived))

    def _add_ids(self, block: Any, error: BaseException | None, waiting: bool) -> None:
        if error is None:
            self._ids.add(*block)

    # ---------------------------------------------------------------- instances

    async def create_instance(
        self,
        instance: Instance,
        *,
        owner: str | None,
        idempotency: IdempotencyKey | None = None,
        first: Commit | None = None,
    ) -> Accepted:
        place_id = self._places.get((instance.project_id, instance.workspace_id))
        if place_id is None:
            place_id = await self._place(Place(project_id=instance.project_id, workspace_id=instance.workspace_id))
        new = instances.creation(instance, place_id, owner, self._session, idempotency, first)
        waiter = self._waiter()

        def unheard(accepted: Accepted) -> None:
            # The engine learns of it when it claims.
            if owner is not None and not accepted.replayed:
                self._unheard.append((owner, new.id))
                self._wake()

        self._submit(Write(None, waiter, new, unless_heard(unheard), rows=new.rows))
        return await heard(waiter, unheard)

    def create_instance_soon(
        self,
        instance: Instance,
        *,
        owner: str | None,
        told: Callable[[Accepted | None, BaseException | None], None],
        first: Commit | None = None,
    ) -> None:
        place_id = self._places[instance.project_id, instance.workspace_id]
        new = instances.creation(instance, place_id, owner, self._session, None, first)
        self._submit(Write(None, None, new, lambda accepted, error, waiting: told(accepted, error), rows=new.rows))

    async def commit(self, owner: str, tick: Sequence[Commit]) -> Sequence[int]:
        if not tick:
            return []
        rows = sum(map(instances.rows_of, tick))
        return await self._write(
            lambda transaction: instances.commit_tick(transaction, owner, self._session, tick), rows=rows
        )

    async def load_instance(self, instance_id: int) -> Instance | None:
        return await self._read(partial(instances.load, instance_id))

    async def get_instance(self, place: Place, instance_id: int) -> Instance | None:
        place_id = await self._known_place(place)
        if place_id is None:
            return None
        return await self._read(partial(instances.load_of_place, place_id, instance_id))

    async def children_of(
        self,
        parent_id: int,
        *,
        node: int | None = None,
        attempt: int | None = None,
        statuses: Sequence[InstanceStatus] = (),
        offset: int = 0,
        limit: int | None = None,
    ) -> Page[Instance]:
        work = partial(children.children_of, parent_id, node, attempt, statuses, offset, limit)
        return await self._read(work, snapshot=True)

    async def list_instances(self, where: InstanceFilter, *, offset: int = 0, limit: int = 10) -> Page[Instance]:
        place_id = await self._known_place(where.place)
        if place_id is None:
            return Page(total=0, items=())
        return await self._read(partial(listing.list_page, place_id, where, offset, limit), snapshot=True)

    async def newest_instances(
        self, place: Place, job_ids: Sequence[int], statuses: Sequence[InstanceStatus]
    ) -> Sequence[Instance]:
        place_id = await self._known_place(place)
        if place_id is None or not job_ids:
            return []
        return await self._read(partial(listing.newest_of_jobs, place, place_id, job_ids, statuses), snapshot=True)

    async def read_events(self, instance_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Event]]:
        return await self._read(partial(instances.history, instance_id, after, limit))

    # ---------------------------------------------------------------- attempts

    async def get_attempt(self, instance_id: int, node: int, attempt: int) -> AttemptRow | None:
        return await self._read(partial(ownership.get_attempt, instance_id, node, attempt))

    async def list_attempts(self, instance_id: int) -> Sequence[AttemptRow]:
        return await self._read(partial(ownership.list_attempts, instance_id))

    async def claim_attempt(
        self,
        instance_id: int,
        node: int,
        attempt: int,
        *,
        runner: str,
        now_ms: int,
        lease_until_ms: int | None,
    ) -> AttemptRow | None:
        key = (instance_id, node, attempt)
        return await self._write(
            lambda transaction: ownership.claim_attempt(transaction, key, runner, now_ms, lease_until_ms)
        )

    async def renew_attempt(
        self, instance_id: int, node: int, attempt: int, *, epoch: int, lease_until_ms: int
    ) -> AttemptRow | None:
        key = (instance_id, node, attempt)
        return await self._write(lambda transaction: ownership.renew_attempt(transaction, key, epoch, lease_until_ms))

    # ---------------------------------------------------------------- engines and ownership

    async def claim_instances(
        self, engine: str, *, limit: int, takes: bool = True, has_room: bool = False
    ) -> Sequence[int]:
        unheard = [entry for entry in self._unheard if entry[0] == engine][:limit]
        for entry in unheard:
            self._unheard.remove(entry)
        ids = [instance_id for _, instance_id in unheard]
        if len(ids) < limit:
            try:
                left = limit - len(unheard)
                ids += await self._write(
                    lambda transaction: ownership.claim(transaction, engine, self._session, left, takes, has_room)
                )
            except BaseException:
                self._unheard += unheard
                raise
        return sorted(ids)

    async def owner_of(self, instance_id: int) -> str | None:
        return await self._read(partial(ownership.owner_of, instance_id))

    # ---------------------------------------------------------------- events from others

    async def post(self, instance_id: int, event: Event) -> None:
        body = ownership.encode_posted(event)
        await self._write(lambda transaction: ownership.post(transaction, instance_id, body))

    async def posted(self, engine: str) -> Sequence[PostedEvent]:
        return await self._read(partial(ownership.posted, engine))

    def on_wake(self, wake: Callable[[], None]) -> None:
        self._wakers.append(wake)
