"""The store's methods about attempts on workers, on SQL: each says which work of `attempts` to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from arkwright.core.outcome import Outcome
from arkwright.core.workers import Worker, WorkerToken
from arkwright.store import attempts
from arkwright.store.attempt_record import AttemptId, Offer
from arkwright.store.sql_parts import SqlPart
from arkwright.store.work import CANCELS


class AttemptMethods(SqlPart):
    """`arkwright.store.attempt_record.AttemptStore` for `SqlStore`."""

    _cancel_watchers: list[Callable[[], None]]

    def _cancels_made_known(self, channels: set[str]) -> None:
        if CANCELS in channels:
            for watcher in self._cancel_watchers:
                watcher()

    async def offer_attempt(self, id_: AttemptId, group: str) -> Offer | None:
        return await self._write(partial(attempts.offer, id_=id_, group=group))

    async def find_offer(self, id_: AttemptId) -> Offer | None:
        return await self._read(partial(attempts.find, id_))

    async def claim_offer(
        self,
        id_: AttemptId,
        *,
        runner: str,
        groups: Sequence[str],
        resume: bool,
        lease_ms: int,
    ) -> Offer | None:
        return await self._write(lambda transaction: attempts.claim(transaction, id_, runner, groups, resume, lease_ms))

    async def renew_claims(
        self, runner: str, claims: Sequence[tuple[AttemptId, int]], *, groups: Sequence[str], lease_ms: int
    ) -> Sequence[AttemptId]:
        return await self._write(lambda transaction: attempts.renew(transaction, runner, claims, groups, lease_ms))

    async def finish_claim(self, id_: AttemptId, *, runner: str, epoch: int, now_ms: int, outcome: Outcome) -> bool:
        return await self._write(lambda transaction: attempts.finish(transaction, id_, runner, epoch, now_ms, outcome))

    async def withdraw_offer(self, id_: AttemptId, *, now_ms: int, outcome: Outcome) -> bool:
        return await self._write(lambda transaction: attempts.withdraw(transaction, id_, now_ms, outcome))

    async def expire_claims(self, *, now_ms: int, lost: Callable[[Offer], Outcome]) -> Sequence[Offer]:
        return await self._write(lambda transaction: attempts.expire(transaction, now_ms, lost))

    async def ms_to_next_expiry(self) -> int | None:
        return await self._read(attempts.ms_to_next_expiry)

    async def cancelled_claims(self, runner: str) -> Sequence[tuple[AttemptId, int]]:
        return await self._read(partial(attempts.cancelled, runner))

    async def offers_of(self, instance_id: int) -> Sequence[Offer]:
        return await self._read(partial(attempts.of_instance, instance_id))

    def on_cancel(self, wake: Callable[[], None]) -> None:
        self._cancel_watchers.append(wake)

    async def put_worker(self, row: Worker) -> bool:
        return await self._write(partial(attempts.put_worker, row=row))

    async def drop_worker(self, name: str, *, token_id: int) -> None:
        await self._write(partial(attempts.drop_worker, name=name, token_id=token_id))

    async def list_workers(self) -> Sequence[Worker]:
        return await self._read(attempts.workers)

    async def put_worker_token(self, token: WorkerToken) -> None:
        await self._write(partial(attempts.put_token, token=token))

    async def find_worker_token(self, token_hash: bytes) -> WorkerToken | None:
        return await self._read(partial(attempts.find_token, token_hash))

    async def list_worker_tokens(self) -> Sequence[WorkerToken]:
        return await self._read(attempts.tokens)
