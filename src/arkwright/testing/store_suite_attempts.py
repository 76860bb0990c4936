"""What every store must do about attempts on workers, as tests to inherit (`store_suite`)."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from arkwright.core.events import AttemptEnded
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.workers import Worker, WorkerToken
from arkwright.store.attempt_record import AttemptId, Offer
from arkwright.store.base import AttemptRow, Store
from arkwright.testing.store_records import ENGINE, LONG_MS, NOON, advance, instance, running

GROUPS = ("gpu", "default")
LOST = Failed(kind=FailureKind.LOST, message="lost")


async def offered(store: Store, group: str = "gpu") -> tuple[AttemptId, Any]:
    """An attempt that was offered, and its instance."""
    state = instance(store)
    await store.create_instance(state, owner=ENGINE)
    row = AttemptRow(
        instance_id=state.id,
        node=0,
        attempt=1,
        type="shell",
        request={"text": "ä"},
        runner=ENGINE,
        epoch=1,
        started_ms=NOON,
    )
    after = running(state)
    assert await advance(store, state, after, started=[row])
    id_ = (state.id, 0, 1)
    offer = await store.offer_attempt(id_, group)
    assert offer is not None
    assert (offer.runner, offer.group, offer.over) == ("", group, False)
    return id_, after


async def claim(
    store: Store, id_: AttemptId, runner: str = "w1", lease_ms: int = LONG_MS, *, resume: bool = False
) -> Offer | None:
    return await store.claim_offer(id_, runner=runner, groups=GROUPS, resume=resume, lease_ms=lease_ms)


async def ends(store: Store, id_: AttemptId) -> list[Outcome]:
    """What was posted for its instance."""
    found = [each.event for each in await store.posted(ENGINE) if each.instance_id == id_[0]]
    return [each.outcome for each in found if isinstance(each, AttemptEnded)]


class AttemptSuite:
    """Part of `StoreSuite`."""

    async def test_an_offer_is_claimed_by_one_of_all_who_try(self, store: Store) -> None:
        id_, _ = await offered(store)
        again = await store.offer_attempt(id_, "other")
        assert again is not None
        assert again.group == "gpu", "the first offer counts"
        claims = await asyncio.gather(*(claim(store, id_, f"w{number}") for number in range(5)))
        won = [each for each in claims if each is not None]
        assert len(won) == 1
        assert won[0].epoch == 2
        assert won[0].request == {"text": "ä"}
        assert await store.find_offer(id_) == won[0]
        assert list(await store.offers_of(id_[0])) == won

    async def test_a_claim_needs_the_group_and_an_offer(self, store: Store) -> None:
        id_, _ = await offered(store)
        assert await store.claim_offer(id_, runner="w", groups=("cpu",), resume=False, lease_ms=LONG_MS) is None
        assert await store.claim_offer(id_, runner="w", groups=(), resume=False, lease_ms=LONG_MS) is None
        assert await claim(store, (id_[0], 1, 1)) is None
        assert await store.find_offer((id_[0], 1, 1)) is None
        assert await store.offer_attempt((id_[0], 1, 1), "gpu") is None

    async def test_a_report_counts_once_and_only_of_the_newest_claim(self, store: Store) -> None:
        id_, _ = await offered(store)
        assert await claim(store, id_)
        assert await claim(store, id_, "w2", resume=True) is None
        resumed = await claim(store, id_, resume=True)
        assert resumed is not None
        assert resumed.epoch == 3
        done, late = Succeeded(output="x"), LOST
        assert not await store.finish_claim(id_, runner="w1", epoch=2, now_ms=NOON + 1, outcome=late)
        assert not await store.finish_claim(id_, runner="w2", epoch=3, now_ms=NOON + 1, outcome=late)
        assert await store.finish_claim(id_, runner="w1", epoch=3, now_ms=NOON + 2, outcome=done)
        assert await store.finish_claim(id_, runner="w1", epoch=3, now_ms=NOON + 3, outcome=late), (
            "a repeat is answered"
        )
        assert await ends(store, id_) == [done]
        assert await claim(store, id_, resume=True) is None
        assert await store.renew_claims("w1", [(id_, 3)], groups=GROUPS, lease_ms=LONG_MS) == []
        found = await store.find_offer(id_)
        assert found is not None
        assert found.over
        assert list(await store.offers_of(id_[0])) == []

    async def test_a_lease_that_ran_out_is_reported_lost_once_and_its_claimant_refused(self, store: Store) -> None:
        id_, _ = await offered(store)
        other, _ = await offered(store)
        assert await store.ms_to_next_expiry() is None
        assert await claim(store, id_, lease_ms=0)
        assert await claim(store, other)
        left = await store.ms_to_next_expiry()
        assert left is not None
        assert left <= 0
        told = await asyncio.gather(*(store.expire_claims(now_ms=NOON, lost=lambda _: LOST) for _ in range(3)))
        assert [each.id for part in told for each in part] == [id_]
        assert await ends(store, id_) == [LOST]
        assert await ends(store, other) == []
        assert not await store.finish_claim(id_, runner="w1", epoch=2, now_ms=NOON, outcome=Succeeded())
        left = await store.ms_to_next_expiry()
        assert left is not None
        assert 0 < left <= LONG_MS

    async def test_a_late_renewal_counts_until_the_loss_was_told(self, store: Store) -> None:
        id_, _ = await offered(store)
        other, _ = await offered(store)
        assert await claim(store, id_, lease_ms=0)
        assert await claim(store, other, "w2")
        held = [(id_, 2), (other, 2), ((id_[0], 7, 1), 2)]
        assert list(await store.renew_claims("w1", held, groups=GROUPS, lease_ms=LONG_MS)) == [id_]
        assert list(await store.expire_claims(now_ms=NOON, lost=lambda _: LOST)) == []
        old = [(id_, 1)]
        assert await store.renew_claims("w1", old, groups=GROUPS, lease_ms=LONG_MS) == [], "an old epoch renews nothing"
        for foreign in (("cpu",), ()):
            assert await store.renew_claims("w1", [(id_, 2)], groups=foreign, lease_ms=LONG_MS) == []

    async def test_what_nobody_claimed_is_withdrawn_and_what_is_claimed_is_not(self, store: Store) -> None:
        id_, _ = await offered(store)
        other, _ = await offered(store)
        assert await claim(store, other)
        stopped = Failed(kind=FailureKind.CANCELLED, message="stopped")
        assert await store.withdraw_offer(id_, now_ms=NOON, outcome=stopped)
        assert not await store.withdraw_offer(id_, now_ms=NOON, outcome=stopped)
        assert not await store.withdraw_offer(other, now_ms=NOON, outcome=stopped)
        assert await ends(store, id_) == [stopped]
        assert await claim(store, id_) is None

    async def test_a_worker_learns_what_it_is_to_stop(self, store: Store) -> None:
        id_, after = await offered(store)
        assert await claim(store, id_)
        heard: list[int] = []
        store.on_cancel(lambda: heard.append(1))
        assert list(await store.cancelled_claims("w1")) == []
        assert await advance(store, after, running(after), cancelled=[(0, 1)])
        await store.ping()
        assert heard
        assert list(await store.cancelled_claims("w1")) == [(id_, 2)]
        assert list(await store.cancelled_claims("w2")) == []

    async def test_an_ended_attempt_is_not_offered(self, store: Store) -> None:
        id_, after = await offered(store)
        assert await advance(store, after, running(after), ended=[(0, 1, Succeeded())])
        assert await store.offer_attempt(id_, "gpu") is None
        assert await claim(store, id_) is None

    async def test_workers_are_known_by_their_newest_word(self, store: Store) -> None:
        row = Worker(
            name="w1",
            groups=("gpu",),
            version="1",
            slots=4,
            running=0,
            draining=False,
            since_ms=NOON,
            seen_ms=NOON,
            token_id=1,
            lease_until_ms=NOON + 1,
        )
        assert await store.put_worker(row)
        newer = msgspec.structs.replace(row, running=3)
        assert await store.put_worker(newer)
        assert list(await store.list_workers()) == [newer]
        other = msgspec.structs.replace(newer, token_id=2)
        assert not await store.put_worker(other)
        await store.drop_worker("w1", token_id=2)
        assert list(await store.list_workers()) == [newer]
        late = msgspec.structs.replace(other, seen_ms=NOON + 1, lease_until_ms=NOON + 2)
        assert await store.put_worker(late), "the other one's lease is over"
        assert not await store.put_worker(newer), "and now it has come too late"
        assert list(await store.list_workers()) == [late]
        much_later = msgspec.structs.replace(row, name="w2", lease_until_ms=NOON + 2 * 24 * 60 * 60 * 1000)
        assert await store.put_worker(much_later)
        assert list(await store.list_workers()) == [much_later]
        await store.drop_worker("w2", token_id=1)
        assert list(await store.list_workers()) == []

    async def test_tokens_of_workers_are_found_by_their_hash(self, store: Store) -> None:
        token = WorkerToken(
            id=store.next_id(), token_hash=b"\0\1", groups=GROUPS, created_ms=NOON, created_by="ada", expires_ms=NOON
        )
        await store.put_worker_token(token)
        assert await store.find_worker_token(b"\0\1") == token
        assert await store.find_worker_token(b"\0\2") is None
        revoked = msgspec.structs.replace(token, revoked_ms=NOON)
        await store.put_worker_token(revoked)
        assert list(await store.list_worker_tokens()) == [revoked]
