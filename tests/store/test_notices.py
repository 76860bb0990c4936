"""The outbox of notices on both databases: stored with what they tell of, claimed as batches, settled once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from arkwright.core.alerts import Notice, Remind
from arkwright.core.instance import InstanceStatus
from arkwright.errors import IllegalState, NotFound
from arkwright.store.base import Commit, Kind, Store
from arkwright.store.notice_record import NoticeFilter, NoticeState, Settled
from arkwright.store.open import open_store
from arkwright.testing.store_records import ENGINE, HERE, NOON, THERE, make, requested, running, write

MINUTE = 60_000


def run(address: str, work: Callable[[Store], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        store = open_store(address)
        await store.open()
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(all_of_it())


def notice(key: str = "k", **changes: object) -> Notice:
    return Notice(
        **{"key": key, "remind": Remind.FAILURE, "at_ms": NOON, "topic": "ops", "job_name": "nightly", **changes}
    )


def settled(batch, state: NoticeState, **more) -> Settled:
    ids = [each.id for each in batch]
    return Settled(**{"ids": ids, "tries": batch[0].tries, "state": state, "at_ms": NOON, "due_ms": 0, **more})


async def claim(store: Store, *, at: int = NOON, limit: int = 100):
    return await store.claim_notices(HERE, "ops", now_ms=at, lease_until_ms=at + MINUTE, limit=limit)


def everything(**changes) -> NoticeFilter:
    return NoticeFilter(**{"place": HERE, "from_ms": 0, "to_ms": 2**53, **changes})


async def fail(store: Store, *notices: Notice, stale: bool = False) -> int:
    """An instance that failed in one commit, with what is told of it; its id."""
    new = await make(store)
    after = running(new, status=InstanceStatus.FAIL)
    if stale:
        new = msgspec.structs.replace(new, version=7)
    share = Commit(
        before=new,
        after=after,
        events=[requested(new)],
        notices=[(store.next_id(), msgspec.structs.replace(each, instance_id=new.id)) for each in notices],
    )
    await store.commit(ENGINE, [share])
    return new.id


def test_a_notice_is_there_with_its_commit_and_wakes_the_delivery(address: str) -> None:
    async def work(store: Store) -> None:
        woken = asyncio.Event()
        store.on_notice(woken.set)
        assert await store.next_notice_ms() is None
        instance_id = await fail(store, notice(nodes=(), detail="nul \x00?"))
        await asyncio.wait_for(woken.wait(), 10)
        assert await store.next_notice_ms() == NOON
        assert await store.due_topics(now_ms=NOON - 1) == []
        assert await store.due_topics(now_ms=NOON) == [(HERE, "ops")]
        [claimed] = await claim(store)
        assert (claimed.notice.instance_id, claimed.tries, claimed.batch) == (instance_id, 1, claimed.id)
        assert claimed.place == HERE

    run(address, work)


def test_a_stale_commit_tells_nothing(address: str) -> None:
    async def work(store: Store) -> None:
        await fail(store, notice(), stale=True)
        assert await store.next_notice_ms() is None

    run(address, work)


def test_one_key_is_one_notice(address: str) -> None:
    async def work(store: Store) -> None:
        for _ in range(2):
            await store.add_notices(HERE, [(store.next_id(), notice("a")), (store.next_id(), notice("b"))])
        total, page = await store.list_notices(everything())
        assert total == 2
        assert sorted(each.notice.key for each in page) == ["a", "b"]
        assert await store.list_notices(everything(place=THERE)) == (0, [])

    run(address, work)


def test_a_recovery_is_told_only_after_a_failure_was(address: str) -> None:
    async def work(store: Store) -> None:
        recovered = notice("r", remind=Remind.RECOVERED, only_after_failure=True)
        failed = await fail(store, notice("f"))
        await store.add_notices(HERE, [(store.next_id(), msgspec.structs.replace(recovered, instance_id=failed))])
        other = msgspec.structs.replace(recovered, key="r2", instance_id=failed + 1)
        await store.add_notices(HERE, [(store.next_id(), other)])
        _, page = await store.list_notices(everything())
        assert sorted(each.notice.key for each in page) == ["f", "r"]

    run(address, work)


def test_a_batch_stays_together_and_what_comes_later_is_another(address: str) -> None:
    async def work(store: Store) -> None:
        await store.add_notices(HERE, [(store.next_id(), notice(key)) for key in "ab"])
        first = await claim(store)
        assert [each.notice.key for each in first] == ["a", "b"]
        await store.add_notices(HERE, [(store.next_id(), notice("c"))])
        assert [each.notice.key for each in await claim(store)] == ["c"]
        assert await claim(store) == []  # both are being sent
        # Whoever claimed them died: when the lease has run out, they come again as they were.
        again = await claim(store, at=NOON + MINUTE)
        assert [(each.notice.key, each.tries, each.batch) for each in again] == [
            (key, 2, first[0].batch) for key in ("a", "b")
        ]
        assert [each.notice.key for each in await claim(store, at=NOON + MINUTE)] == ["c"]

    run(address, work)


def test_two_servers_never_claim_the_same(address: str) -> None:
    async def work(store: Store) -> None:
        await store.add_notices(HERE, [(store.next_id(), notice(str(n))) for n in range(40)])
        claims = await asyncio.gather(*(claim(store, limit=10) for _ in range(6)))
        claimed = [each.id for batch in claims for each in batch]
        assert len(claimed) == len(set(claimed)) == 40

    run(address, work)


def test_a_claim_that_took_too_long_settles_nothing(address: str) -> None:
    async def work(store: Store) -> None:
        await store.add_notices(HERE, [(store.next_id(), notice())])
        late = await claim(store)
        again = await claim(store, at=NOON + MINUTE)
        await store.settle_notices(HERE, settled(late, NoticeState.DEAD, error="too late"))
        await store.settle_notices(HERE, settled(again, NoticeState.SENT, at_ms=NOON + 7))
        [now] = (await store.list_notices(everything()))[1]
        assert (now.state, now.settled_ms, now.error) == (NoticeState.SENT, NOON + 7, "")
        assert await store.next_notice_ms() is None

    run(address, work)


def test_a_failed_try_comes_again_and_a_repetition_follows_what_was_sent(address: str) -> None:
    async def work(store: Store) -> None:
        await store.add_notices(HERE, [(store.next_id(), notice())])
        batch = await claim(store)
        await store.settle_notices(HERE, settled(batch, NoticeState.PENDING, due_ms=NOON + 10, error="down \x00"))
        assert await claim(store, at=NOON + 9) == []
        again = await claim(store, at=NOON + 10)
        assert again[0].error == "down "
        following = [(store.next_id(), notice("k#2", round=2), NOON + 20)]
        await store.settle_notices(HERE, settled(again, NoticeState.SENT, following=following))
        assert await store.next_notice_ms() == NOON + 20
        # Settled a second time (by a claim from before) nothing follows a second time.
        await store.settle_notices(HERE, settled(again, NoticeState.SENT, following=following))
        assert (await store.list_notices(everything()))[0] == 2

    run(address, work)


def test_a_dead_notice_can_be_sent_again(address: str) -> None:
    async def work(store: Store) -> None:
        await store.add_notices(HERE, [(store.next_id(), notice())])
        batch = await claim(store)
        with pytest.raises(IllegalState):
            await store.revive_notice(HERE, batch[0].id, now_ms=NOON)
        await store.settle_notices(HERE, settled(batch, NoticeState.DEAD, error="refused"))
        assert await claim(store, at=NOON + 10 * MINUTE) == []
        with pytest.raises(NotFound):
            await store.revive_notice(THERE, batch[0].id, now_ms=NOON)
        await store.revive_notice(HERE, batch[0].id, now_ms=NOON + 5)
        [claimed] = await claim(store, at=NOON + 5)
        assert (claimed.tries, claimed.batch) == (1, claimed.id)

    run(address, work)


def test_lists_are_newest_first_and_filtered(address: str) -> None:
    async def work(store: Store) -> None:
        await store.add_notices(HERE, [(store.next_id(), notice(str(n), at_ms=NOON + n)) for n in range(5)])
        batch = await claim(store, at=NOON + 1)
        await store.settle_notices(HERE, settled(batch, NoticeState.SENT))
        total, page = await store.list_notices(everything(), offset=1, limit=2)
        assert (total, [each.notice.key for each in page]) == (5, ["3", "2"])
        sent = await store.list_notices(everything(states=(NoticeState.SENT,)))
        assert (sent[0], [each.notice.key for each in sent[1]]) == (2, ["1", "0"])
        assert (await store.list_notices(everything(from_ms=NOON + 1, to_ms=NOON + 3)))[0] == 3
        assert await store.list_notices(everything(states=())) == (0, [])

    run(address, work)


def test_who_keeps_the_rules_hears_when_one_is_written(address: str) -> None:
    async def work(store: Store) -> None:
        heard: list[None] = []
        store.on_rules_changed(lambda: heard.append(None))
        await store.create_definition(HERE, Kind.JOB, write("j"))
        assert len(heard) == 0
        await store.create_definition(HERE, Kind.ALARM_RULE, write("r"))
        await store.save_definition(HERE, Kind.ALARM_RULE, "r", write("r"))
        await store.delete_definition(HERE, Kind.ALARM_RULE, "r")
        assert len(heard) == 3

    run(address, work)


@pytest.mark.postgres
def test_another_server_hears_of_rules_and_notices(postgres_ready: str) -> None:
    async def work(store: Store) -> None:
        other = open_store(postgres_ready)
        await other.open()
        rules, notices = asyncio.Event(), asyncio.Event()
        other.on_rules_changed(rules.set)
        other.on_notice(notices.set)
        await store.create_definition(HERE, Kind.ALARM_RULE, write("r"))
        await store.add_notices(HERE, [(store.next_id(), notice())])
        await asyncio.wait_for(asyncio.gather(rules.wait(), notices.wait()), 20)
        await other.close()

    run(postgres_ready, work)
