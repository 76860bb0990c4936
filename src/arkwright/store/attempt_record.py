"""Attempts that run on workers, the workers, and their tokens, as the store keeps them.

Theory of operation ------------------- An attempt is made by the commit of a tick (`Commit.started`). The engine that
is to have it run elsewhere *offers* it to a group of workers; from then on its row alone says what may happen to it:

    offered ── claim ──> claimed ── finish ──> reported
       │                    └────── expire ──> reported (lost)
       └── withdraw ─────────────────────────> reported (cancelled)

Leases are by the database's time. Each arrow is one conditional update, so of all who try, in whatever order and
however often, one succeeds. A claim counts the epoch up, and so do `expire` and `withdraw`: whoever comes with an older
epoch is refused. The last arrows leave the attempt's `AttemptEnded` as a posted event in the same transaction; the
instance's owner takes it in as any other event. So a killed engine, a lost answer or a second delivery changes nothing:
an attempt is reported once.

An expired lease is never claimed by another worker: what the old one did can't be known, so the attempt is lost and the
node's retry policy decides. Until somebody says so (`expire`), its claimant may still come back: it renews, or takes up
what it held under its own name after a restart (`resume`), with a new epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from arkwright.core.outcome import Outcome
from arkwright.core.record import Record
from arkwright.core.workers import Worker, WorkerToken

AttemptId = tuple[int, int, int]
"""(instance, node, attempt)."""


class Offer(Record, frozen=True, kw_only=True):
    """An attempt that was offered to a group of workers."""

    instance_id: int
    node: int
    attempt: int
    type: str
    request: Mapping[str, Any]
    """The `StartAttempt` command as JSON."""
    runner: str
    """The worker that claimed it; empty: nobody yet."""
    epoch: int
    lease_until_ms: int | None
    cancel_requested: bool
    group: str
    offered_ms: int
    """When it began to wait."""
    reported_ms: int | None
    ended_ms: int | None

    @property
    def id(self) -> AttemptId:
        return (self.instance_id, self.node, self.attempt)

    @property
    def over(self) -> bool:
        return self.reported_ms is not None or self.ended_ms is not None


class AttemptStore(Protocol):
    # -- attempts on workers
    async def offer_attempt(self, id_: AttemptId, group: str) -> Offer | None:
        """Let workers of the group claim it. Offering twice changes nothing. None: it has ended, or isn't there."""
        ...

    async def find_offer(self, id_: AttemptId) -> Offer | None:
        """None: it was never offered."""
        ...

    async def claim_offer(
        self, id_: AttemptId, *, runner: str, groups: Sequence[str], resume: bool, lease_ms: int
    ) -> Offer | None:
        """Claim it for this worker. None: it isn't free for it. `resume`: it is this worker's own from before."""
        ...

    async def renew_claims(
        self, runner: str, claims: Sequence[tuple[AttemptId, int]], *, groups: Sequence[str], lease_ms: int
    ) -> Sequence[AttemptId]:
        """Renew (attempt, epoch) pairs of these groups. Answers those that are still this worker's, and now for longer:
        late is better than never."""
        ...

    async def finish_claim(self, id_: AttemptId, *, runner: str, epoch: int, now_ms: int, outcome: Outcome) -> bool:
        """Report how it ended. True also for a repeat of what this claim has reported. False: the claim is over."""
        ...

    async def withdraw_offer(self, id_: AttemptId, *, now_ms: int, outcome: Outcome) -> bool:
        """Report the end of one that nobody has claimed. False: it is claimed, or over."""
        ...

    async def expire_claims(self, *, now_ms: int, lost: Callable[[Offer], Outcome]) -> Sequence[Offer]:
        """Report those whose lease has run out with the outcome that `lost` gives."""
        ...

    async def ms_to_next_expiry(self) -> int | None:
        """In how many milliseconds the first lease runs out, if it isn't renewed."""
        ...

    async def cancelled_claims(self, runner: str) -> Sequence[tuple[AttemptId, int]]:
        """What this worker has and was asked to stop: (attempt, epoch)."""
        ...

    async def offers_of(self, instance_id: int) -> Sequence[Offer]:
        """Those of an instance that are not over."""
        ...

    def on_cancel(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the event loop's thread when attempts were asked to stop."""
        ...

    # -- workers
    async def put_worker(self, row: Worker) -> bool:
        """Insert or replace by name; forgets those whose lease ran out a day ago. False: one with another token has the
        name, and was there (its lease) when this one was seen."""
        ...

    async def drop_worker(self, name: str, *, token_id: int) -> None:
        """If the name is still that token's."""
        ...

    async def list_workers(self) -> Sequence[Worker]:
        """By name, those that are gone for less than a day among them."""
        ...

    async def put_worker_token(self, token: WorkerToken) -> None:
        """Insert or replace by id."""
        ...

    async def find_worker_token(self, token_hash: bytes) -> WorkerToken | None: ...

    async def list_worker_tokens(self) -> Sequence[WorkerToken]:
        """By id."""
        ...
