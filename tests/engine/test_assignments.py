"""The server's side of the runner protocol: a token is good for its groups, whatever name its worker takes."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

import arkwright
from arkwright.core.outcome import Succeeded
from arkwright.core.workers import WorkerToken
from arkwright.engine.assignments import Assignments
from arkwright.errors import Forbidden, IllegalState
from arkwright.executors.attempt_wire import Arrival, Held, Renewal, Report
from arkwright.nodes.base import AttemptKey
from arkwright.nodes.registry import Registry
from arkwright.store.attempt_record import Offer
from arkwright.store.base import Store
from arkwright.store.move import is_postgres
from arkwright.store.open import open_store
from arkwright.testing.store_records import NOON
from arkwright.testing.store_suite_attempts import ends, offered

NOT_NEEDED: Any = None


def token(id_: int, group: str) -> WorkerToken:
    return WorkerToken(
        id=id_, token_hash=b"%d" % id_, groups=(group,), created_ms=NOON, created_by="tester", expires_ms=NOON + 1
    )


def desk_on(store: Store) -> Assignments:
    return Assignments(
        store=store,
        contexts=NOT_NEEDED,
        registry=Registry(),
        files=NOT_NEEDED,
        inputs=NOT_NEEDED,
        now_ms=lambda: NOON,
        lease_seconds=20.0,
        log_cap_bytes=1000,
    )


def test_of_two_that_arrive_at_once_under_one_name_one_has_it(address: str) -> None:
    """On one server, or on two."""

    async def run() -> None:
        servers = [open_store(address) for _ in range(2 if is_postgres(address) else 1)]
        for server in servers:
            await server.open()
        desks = [desk_on(server) for server in servers]
        tokens = [token(number, "gpu") for number in (1, 2)]
        try:
            for name in map(str, range(5)):
                arrival = Arrival(runner=name, version=arkwright.__version__, groups=("gpu",), slots=1)
                arrivals = [desk.arrive(arrival, each) for each, desk in zip(tokens, itertools.cycle(desks))]
                found = await asyncio.gather(*arrivals, return_exceptions=True)
                refused = [isinstance(each, Forbidden) for each in found]
                assert sorted(refused) == [False, True], found
                has = tokens[refused.index(False)]
                for desk in desks:
                    await desk.renew(Renewal(runner=name, held=(), slots=1), has)
                    with pytest.raises(IllegalState, match="has not arrived"):
                        await desk.leave(name, tokens[refused.index(True)])
                assert {each.name: each.token_id for each in await servers[0].list_workers()}[name] == has.id
        finally:
            for server in servers:
                await server.close()

    asyncio.run(run())


def test_who_takes_the_name_of_a_worker_that_left_gets_nothing_of_its_groups(tmp_path: Path) -> None:
    async def run() -> None:
        store = open_store(str(tmp_path / "a.db"))
        await store.open()
        try:
            desk = desk_on(store)
            id_, _ = await offered(store, "gpu")
            key = AttemptKey(instance_id=id_[0], node=id_[1], attempt=id_[2])
            offer: Offer | None = None
            for each, group in ((token(1, "gpu"), "gpu"), (token(2, "cpu"), "cpu")):
                arrival = Arrival(runner="w", version=arkwright.__version__, groups=(group,), slots=1)
                await desk.arrive(arrival, each)
                if group == "gpu":
                    offer = await store.claim_offer(id_, runner="w", groups=("gpu",), resume=False, lease_ms=20_000)
                    await desk.leave("w", each)
            assert offer is not None
            other = token(2, "cpu")
            held = (Held(attempt="-".join(map(str, id_)), epoch=offer.epoch),)
            renewed = await desk.renew(Renewal(runner="w", held=held, slots=1), other)
            assert renewed.attempts == ()
            with pytest.raises(IllegalState, match="is not, or no longer, that of w"):
                await desk.finish(key, Report(runner="w", epoch=offer.epoch, outcome=Succeeded()), other)
            assert await ends(store, id_) == []
        finally:
            await store.close()

    asyncio.run(run())
