"""The server's side of the runner protocol (`executors/attempt_wire`): what workers may have, and what came of it.

Rules: the store's conditional updates decide (`store/attempt_record`); this only says them for a worker, checks that
the worker is who it says, and puts a claimed attempt's context together. Any server with the role `api` may answer any
message. Secrets leave only in the answer to a claim that was won, and are kept nowhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

import arkwright
from arkwright.core.commands import StartAttempt
from arkwright.core.outcome import Failed, Outcome
from arkwright.core.workers import Worker, WorkerToken, ways_to
from arkwright.engine.attempt_files import AttemptFiles
from arkwright.engine.attempt_inputs import AttemptInputs, Input
from arkwright.engine.contexts import Contexts
from arkwright.engine.folders import Folders
from arkwright.errors import Forbidden, IllegalState
from arkwright.executors.attempt_wire import (
    Arrival,
    Cancels,
    Claim,
    ClaimAnswer,
    Claimed,
    Held,
    Renewal,
    Renewed,
    Report,
    Welcome,
    attempt_key,
    attempt_name,
)
from arkwright.nodes.base import AttemptKey
from arkwright.nodes.registry import Registry
from arkwright.store.attempt_record import AttemptId, Offer
from arkwright.store.base import Store

log = logging.getLogger("arkwright.engine")


class Assignments:
    def __init__(
        self,
        *,
        store: Store,
        contexts: Contexts,
        registry: Registry,
        files: AttemptFiles,
        inputs: AttemptInputs,
        now_ms: Callable[[], int],
        lease_seconds: float,
        log_cap_bytes: int,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`settings`: for hosted nodes on workers."""
        self._store = store
        self._contexts = contexts
        self._registry = registry
        self._files = files
        self._inputs = inputs
        self._now_ms = now_ms
        self._lease_seconds = lease_seconds
        self._log_cap_bytes = log_cap_bytes
        self._settings = dict(settings or {})
        self._workers: dict[str, Worker] = {}
        """As they last told of themselves, of those that have spoken to this server."""
        self._news = asyncio.Event()
        store.on_cancel(self._tell)

    # -- workers
    async def arrive(self, arrival: Arrival, token: WorkerToken) -> Welcome:
        """Raises `IllegalState` for another version and for a Dask scheduler that brings nothing for its groups,
        `Forbidden` for groups that aren't the token's, and for a name that another worker has."""
        refusal = _other_version(arrival.runner, arrival.version)
        if refusal:
            raise IllegalState(refusal, field="version")
        foreign = [group for group in arrival.groups if group not in token.groups]
        if foreign or not arrival.groups:
            raise Forbidden(
                f"The worker's token {token.id} is for the groups {', '.join(token.groups)}, not for "
                f"{', '.join(foreign) or 'none'}.",
                hint="Make a token for it: arkwright worker token create --group NAME.",
            )
        await self._check_scheduler(arrival)
        now = self._now_ms()
        await self._seen(
            Worker(
                name=arrival.runner,
                groups=arrival.groups,
                version=arrival.version,
                slots=arrival.slots,
                running=0,
                draining=False,
                since_ms=now,
                seen_ms=now,
                token_id=token.id,
                lease_until_ms=now + self._lease_ms,
            )
        )
        return Welcome(
            version=arkwright.__version__,
            lease_seconds=self._lease_seconds,
            log_cap_bytes=self._log_cap_bytes,
            settings=self._settings,
        )

    async def leave(self, runner: str, token: WorkerToken) -> None:
        await self._known(runner, token)
        self._workers.pop(runner, None)
        await self._store.drop_worker(runner, token_id=token.id)

    # -- attempts
    async def claim(self, key: AttemptKey, claim: Claim, token: WorkerToken) -> ClaimAnswer:
        refusal = _other_version(claim.runner, claim.version)
        if refusal:
            return ClaimAnswer(refusal=refusal, stop=True)
        await self._known(claim.runner, token)
        id_ = _id(key)
        offer = await self._store.claim_offer(
            id_,
            runner=claim.runner,
            groups=token.groups,
            resume=claim.resume,
            lease_ms=self._lease_ms,
        )
        if offer is None:
            return ClaimAnswer(refusal=_why_not(key, await self._store.find_offer(id_), token))
        return await self._assigned(key, offer)

    async def _assigned(self, key: AttemptKey, offer: Offer) -> ClaimAnswer:
        """The context of an attempt that was just claimed."""
        state = await self._store.load_instance(key.instance_id)
        if state is None:
            return ClaimAnswer(refusal=f"There is no instance {key.instance_id}.")
        found = self._registry.find(offer.type)
        context = (
            found
            if isinstance(found, Failed)
            else self._contexts.texts(state, msgspec.convert(offer.request, StartAttempt))
        )
        failure: Failed | None = None
        if not isinstance(context, Failed) and not isinstance(found, Failed):
            context, failure = await self._contexts.connected(found, context)
        failure = context if isinstance(context, Failed) else failure
        if failure is not None:
            await self._store.finish_claim(
                offer.id, runner=offer.runner, epoch=offer.epoch, now_ms=self._now_ms(), outcome=failure
            )
            return ClaimAnswer(refusal=f"It has ended: {failure.message}")
        assert not isinstance(context, Failed)
        limits = self._inputs.limits(context.workspace_id)
        known = await self._inputs.known_hosts(context)
        return ClaimAnswer(
            claimed=Claimed(epoch=offer.epoch, type=offer.type, context=context, limits=limits, known_hosts=known)
        )

    async def renew(self, renewal: Renewal, token: WorkerToken) -> Renewed:
        """Also the worker's sign of life."""
        known = await self._known(renewal.runner, token)
        now = self._now_ms()
        claims = [(_id(key), each.epoch) for each in renewal.held if (key := attempt_key(each.attempt)) is not None]
        renewed: Sequence[AttemptId] = ()
        if claims:
            renewed = await self._store.renew_claims(
                renewal.runner, claims, groups=token.groups, lease_ms=self._lease_ms
            )
        await self._seen(
            msgspec.structs.replace(
                known,
                slots=renewal.slots,
                running=len(renewal.held),
                draining=renewal.draining,
                seen_ms=now,
                lease_until_ms=now + self._lease_ms,
            )
        )
        return Renewed(attempts=tuple(attempt_name(_key(each)) for each in renewed))

    async def cancels(self, runner: str, token: WorkerToken, *, known: frozenset[Held]) -> Cancels:
        """What the worker is to stop, once there is something that it has not `known`. The caller bounds the wait."""
        await self._known(runner, token)
        while True:
            news = self._news
            found = await self._store.cancelled_claims(runner)
            wanted = tuple(Held(attempt=attempt_name(_key(id_)), epoch=epoch) for id_, epoch in found)
            if not known.issuperset(wanted):
                return Cancels(attempts=wanted)
            await news.wait()

    async def write_log(
        self, key: AttemptKey, runner: str, epoch: int, offset: int, data: bytes, by: WorkerToken, *, cut: bool
    ) -> None:
        """`cut`: the log ends with this piece."""
        await self._holder(key, runner, epoch, by)
        await (self._files.cut_log if cut else self._files.write_log)(key, offset, data)

    async def log_end(self, key: AttemptKey, runner: str, epoch: int, by: WorkerToken) -> int:
        await self._holder(key, runner, epoch, by)
        return await self._files.log_end(key)

    async def write_output(
        self, key: AttemptKey, runner: str, epoch: int, name: str, data: bytes, by: WorkerToken
    ) -> None:
        await self._holder(key, runner, epoch, by)
        await self._files.write_output(key, name, data)

    async def input(self, key: AttemptKey, runner: str, epoch: int, number: int, by: WorkerToken) -> Input:
        """A file that the attempt needs (`AttemptInputs.open`)."""
        return await self._inputs.open(await self._holder(key, runner, epoch, by), number)

    async def finish(self, key: AttemptKey, report: Report, token: WorkerToken) -> None:
        """Only leaves an event. Raises `IllegalState` if the attempt isn't this worker's any more."""
        await self._known(report.runner, token)
        offer = await self._store.find_offer(_id(key))
        if offer is not None and offer.group not in token.groups:  # a name is free again once its worker has gone
            raise _not_yours(key, report.runner)
        if offer is not None and not offer.over and (offer.runner, offer.epoch) == (report.runner, report.epoch):
            for piece in report.log:
                await (self._files.cut_log if piece.cut else self._files.write_log)(key, piece.offset, piece.data)
            for name, data in report.outputs.items():
                await self._files.write_output(key, name, data)
            if report.learned:
                await self._inputs.learn(offer, report.learned)
            await self._files.ended(key)
        done = await self._store.finish_claim(
            _id(key),
            runner=report.runner,
            epoch=report.epoch,
            now_ms=self._now_ms(),
            outcome=_stored(key, report.outcome),
        )
        if not done:
            raise _not_yours(key, report.runner)

    # -- inside
    @property
    def _lease_ms(self) -> int:
        return round(self._lease_seconds * 1000)

    async def _check_scheduler(self, arrival: Arrival) -> None:
        """That a living server would look for workers of these groups there. A scheduler that no server names may be
        one of theirs under another address: nobody knows."""
        told = [each.entry.ways for each in await self._store.list_servers() if each.alive and each.entry.ways]
        if not any(way.url == arrival.scheduler for ways in told for way in ways):
            return
        for group in arrival.groups:
            there = sorted({way.url for ways in told for way in ways_to(group, ways)})
            if arrival.scheduler not in there:
                use = f"for that group they use {', '.join(there)}" if there else "they have no way to that group"
                raise IllegalState(
                    f"No server brings work for the group {group} to the Dask scheduler {arrival.scheduler}; {use}.",
                    field="scheduler",
                    hint="Start the worker with --scheduler of its group, or name this one in the servers' --executor.",
                )

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _seen(self, worker: Worker) -> None:
        """Raises `Forbidden` if a worker with another token has its name."""
        if not await self._store.put_worker(worker):
            self._workers.pop(worker.name, None)
            raise Forbidden(
                f"There is a worker {worker.name} with another token.",
                hint="Each worker needs a data folder of its own; one whose token was replaced is free for a new one "
                f"{self._lease_seconds:g} s after its end.",
            )
        self._workers[worker.name] = worker

    async def _known(self, runner: str, token: WorkerToken) -> Worker:
        """The worker, which must have arrived with this token."""
        known = self._workers.get(runner)
        if known is not None and known.token_id == token.id:
            return known
        for each in await self._store.list_workers():
            if each.name == runner and each.token_id == token.id:
                self._workers[runner] = each
                return each
        raise IllegalState(
            f"The worker {runner[:64]} has not arrived with this token.", field="runner", hint="Start it again."
        )

    async def _holder(self, key: AttemptKey, runner: str, epoch: int, token: WorkerToken) -> Offer:
        offer = await self._store.find_offer(_id(key))
        if (
            offer is None
            or offer.over
            or (offer.runner, offer.epoch) != (runner, epoch)
            or offer.group not in token.groups
        ):
            raise _not_yours(key, runner)
        return offer


def _id(key: AttemptKey) -> AttemptId:
    return (key.instance_id, key.node, key.attempt)


def _key(id_: AttemptId) -> AttemptKey:
    return AttemptKey(instance_id=id_[0], node=id_[1], attempt=id_[2])


def _other_version(runner: str, version: str) -> str:
    ours = arkwright.__version__
    if version == ours:
        return ""
    return (
        f"The worker {runner[:64]} runs Arkwright {version[:32]}, the server {ours}: a worker must have the server's "
        f"version. Install arkwright=={ours} there, and start it again."
    )


def _why_not(key: AttemptKey, offer: Offer | None, token: WorkerToken) -> str:
    name = attempt_name(key)
    if offer is None:
        return f"The attempt {name} is not one for workers."
    if offer.over:
        return f"The attempt {name} has ended."
    if offer.group not in token.groups:
        return f"The attempt {name} is for the group {offer.group}; this token is for {', '.join(token.groups)}."
    if offer.runner:
        return f"The attempt {name} is claimed by {offer.runner}."
    return f"The attempt {name} was asked to stop."


def _not_yours(key: AttemptKey, runner: str) -> IllegalState:
    return IllegalState(f"The attempt {attempt_name(key)} is not, or no longer, that of {runner[:64]}.", field="epoch")


def _stored(key: AttemptKey, outcome: Outcome) -> Outcome:
    """With the output as the engine refers to it."""
    if outcome.output is None:
        return outcome
    return msgspec.structs.replace(outcome, output=Folders.reference(key, "output"))
