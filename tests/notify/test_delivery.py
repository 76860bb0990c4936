"""The delivery of notices: each once, failures again and again but not for ever, storms as few messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.notify.house import PLACE, Clock, add, in_loop, notice, opened, settled, stored

from arkwright.core.instance import InstanceStatus
from arkwright.errors import StoreUnavailable
from arkwright.notify.delivery import BACK_OFF_SECONDS, LEASE_MS, RECONNECT_MS, Delivery
from arkwright.notify.outcome import NotSent
from arkwright.store.base import Commit, Place, Store
from arkwright.store.notice_record import NoticeState, StoredNotice
from arkwright.testing.store_records import ENGINE, instance, requested, running

HOUR = 3_600_000


class Receiver:
    """Where messages arrive; it can refuse, or never answer."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], int | None]] = []
        self.refuse: list[NotSent] = []
        self.silent = False

    async def __call__(self, place: Place, topic: str, batch: Sequence[StoredNotice]) -> None:
        assert place == PLACE
        self.got.append((topic, [each.notice.key for each in batch], batch[0].batch))
        if self.silent:
            await asyncio.Event().wait()
        if self.refuse:
            raise self.refuse.pop(0)

    @property
    def keys(self) -> list[list[str]]:
        return [keys for _, keys, _ in self.got]


async def started(store: Store, clock: Clock, receiver: Receiver) -> Delivery:
    delivery = Delivery(store=store, clock=clock, send=receiver, burst=2, spacing_ms=10_000)
    await delivery.open()
    await settled()
    return delivery


@in_loop
async def test_a_notice_is_sent_once_and_only_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        await add(store, notice(clock, "before"))
        delivery = await started(store, clock, receiver)
        assert receiver.keys == [["before"]]
        await add(store, notice(clock, "after"), notice(clock, "elsewhere", topic="other"))
        await settled()
        assert sorted(receiver.keys) == [["after"], ["before"], ["elsewhere"]]
        await clock.pass_(24 * HOUR)
        assert len(receiver.got) == 3
        assert {each.state for each in await stored(store)} == {NoticeState.SENT}
        assert clock.waiting == []  # nothing polls
        await delivery.close()


@in_loop
async def test_what_failed_is_tried_again_with_growing_pauses_and_given_up_in_the_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        receiver.refuse = [NotSent("down") for _ in range(len(BACK_OFF_SECONDS) + 1)]
        delivery = await started(store, clock, receiver)
        await add(store, notice(clock, "k"))
        await settled()
        for n, seconds in enumerate(BACK_OFF_SECONDS, 1):
            assert len(receiver.got) == n
            await clock.pass_(seconds * 1000 - 1)
            assert len(receiver.got) == n
            await clock.pass_(1)
        [now] = await stored(store)
        assert (now.state, now.error, now.tries) == (NoticeState.DEAD, "down", len(BACK_OFF_SECONDS) + 1)
        await clock.pass_(100 * HOUR)
        assert len(receiver.got) == len(BACK_OFF_SECONDS) + 1
        await store.revive_notice(PLACE, now.id, now_ms=clock.now_ms())
        await settled()
        assert (await stored(store))[0].state is NoticeState.SENT
        await delivery.close()


@in_loop
async def test_what_can_not_be_helped_is_given_up_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        receiver.refuse = [NotSent("no such address", final=True)]
        delivery = await started(store, clock, receiver)
        await add(store, notice(clock, "k"))
        await settled()
        assert [(each.state, each.error) for each in await stored(store)] == [(NoticeState.DEAD, "no such address")]
        await delivery.close()


@in_loop
async def test_a_receiver_may_ask_for_a_longer_pause(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        receiver.refuse = [NotSent("busy", retry_after_seconds=120)]
        delivery = await started(store, clock, receiver)
        await add(store, notice(clock, "k"))
        await clock.pass_(119_000)
        assert len(receiver.got) == 1
        await clock.pass_(1_000)
        assert len(receiver.got) == 2
        await delivery.close()


@in_loop
async def test_a_crash_while_sending_sends_it_again_under_the_same_number(tmp_path: Path) -> None:
    clock, receiver = Clock(), Receiver()
    receiver.silent = True
    async with opened(tmp_path) as store:
        dead = Delivery(store=store, clock=clock, send=receiver)
        await dead.open()
        await add(store, notice(clock, "a"), notice(clock, "b"))
        await settled()
        for task in [dead._task, *dead._sending.values()]:  # the end of the process: nothing is settled
            assert task is not None
            task.cancel()
        await settled()
    async with opened(tmp_path) as store:
        receiver.silent = False
        delivery = await started(store, clock, receiver)
        await add(store, notice(clock, "c"))
        await clock.pass_(LEASE_MS - 1)
        assert receiver.keys == [["a", "b"], ["c"]]
        await clock.pass_(1)
        assert receiver.keys == [["a", "b"], ["c"], ["a", "b"]]
        assert receiver.got[0][2] == receiver.got[2][2] != receiver.got[1][2]
        assert {each.state for each in await stored(store)} == {NoticeState.SENT}
        await delivery.close()


@in_loop
async def test_a_storm_becomes_a_few_messages(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        delivery = await started(store, clock, receiver)
        for n in range(30):
            await add(store, notice(clock, f"{n:03}"))
            await clock.pass_(100)
        await clock.pass_(60_000)
        sent = [key for keys in receiver.keys for key in keys]
        assert sent == [f"{n:03}" for n in range(30)]  # each once, in order
        assert [len(keys) for keys in receiver.keys[:2]] == [1, 1]  # the first two at once
        assert len(receiver.keys) <= 4  # all others together
        await delivery.close()


@in_loop
async def test_a_slow_topic_holds_up_nobody_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        receiver.silent = True
        delivery = await started(store, clock, receiver)
        await add(store, notice(clock, "slow"))
        await settled()
        receiver.silent = False
        await add(store, notice(clock, "fast", topic="other"))
        await settled()
        states = {each.notice.key: each.state for each in await stored(store)}
        assert states == {"slow": NoticeState.PENDING, "fast": NoticeState.SENT}
        for task in delivery._sending.values():
            task.cancel()
        await delivery.close()


async def failed_instance(store: Store, clock: Clock, status: InstanceStatus = InstanceStatus.FAIL):
    new = instance(store, place=PLACE, submit_time_ms=clock.now_ms())
    await store.create_instance(new, owner=ENGINE)
    after = running(new, status=status)
    repeated = notice(clock, f"{new.id}", instance_id=new.id, rounds=3, interval_ms=600_000)
    share = Commit(before=new, after=after, events=[requested(new)], notices=[(store.next_id(), repeated)])
    assert await store.commit(ENGINE, [share]) == []
    return after


@in_loop
async def test_a_lasting_failure_is_told_again_until_its_rounds_are_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        delivery = await started(store, clock, receiver)
        failed = await failed_instance(store, clock)
        await settled()
        assert len(receiver.got) == 1
        await clock.pass_(599_999)
        assert len(receiver.got) == 1
        await clock.pass_(1)
        await clock.pass_(600_000)
        assert receiver.keys == [[f"{failed.id}"], [f"{failed.id}#2"], [f"{failed.id}#3"]]
        await clock.pass_(10 * HOUR)
        assert len(receiver.got) == 3
        await delivery.close()


@in_loop
async def test_a_failure_that_was_mended_is_not_told_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        delivery = await started(store, clock, receiver)
        failed = await failed_instance(store, clock)
        await settled()
        mended = msgspec.structs.replace(failed, status=InstanceStatus.SUCCESS, version=failed.version + 1)
        assert await store.commit(ENGINE, [Commit(before=failed, after=mended, events=[])]) == []
        await clock.pass_(600_000)
        assert len(receiver.got) == 1
        assert [each.state for each in await stored(store)] == [NoticeState.SENT, NoticeState.DROPPED]
        await delivery.close()


@in_loop
async def test_a_defect_is_tried_again_and_given_up_like_any_other_failure(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        tries = 0

        async def broken(*_: Any) -> None:
            nonlocal tries
            tries += 1
            raise KeyError("a defect")

        delivery = Delivery(store=store, clock=clock, send=broken)
        await delivery.open()
        await add(store, notice(clock, "k"))
        for seconds in BACK_OFF_SECONDS:
            await clock.pass_(seconds * 1000)
        [now] = await stored(store)
        assert (now.state, tries) == (NoticeState.DEAD, len(BACK_OFF_SECONDS) + 1)
        assert "a defect" in now.error
        await delivery.close()


@in_loop
async def test_a_disk_that_can_be_read_and_not_written_is_not_asked_without_a_pause(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock, receiver = Clock(), Receiver()
        await add(store, notice(clock, "k"))
        full = Full(store)
        delivery = await started(cast("Store", full), clock, receiver)
        for n in range(1, 4):
            assert full.claims == n
            await clock.pass_(RECONNECT_MS)
        full.full = False
        await clock.pass_(RECONNECT_MS)
        assert receiver.keys == [["k"]]
        await delivery.close()


class Full:
    """A real store on a disk that is full for a while."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.full = True
        self.claims = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def claim_notices(self, *arguments: Any, **more: Any) -> Any:
        self.claims += 1
        if self.full:
            raise StoreUnavailable("The disk is full.")
        return await self._store.claim_notices(*arguments, **more)


@in_loop
async def test_a_store_that_is_away_for_a_while_is_asked_again(tmp_path: Path) -> None:
    clock, receiver = Clock(), Receiver()
    async with opened(tmp_path) as store:
        delivery = await started(store, clock, receiver)
        await store.close()
        delivery._woken.set()
        await settled()
        await store.open()
        await add(store, notice(clock, "k"))
        await clock.pass_(5_000)
        assert receiver.keys == [["k"]]
        await delivery.close()
