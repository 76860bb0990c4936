"""The pass that gives sealed values another key: all of them, once, whoever interrupts it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from arkwright.app.sealing import FINDERS
from arkwright.core.identity import AccessKey
from arkwright.engine import resealing as module
from arkwright.engine.clock import SystemClock
from arkwright.engine.connections import bound_to, unsealed
from arkwright.engine.resealing import Resealing
from arkwright.errors import IllegalState, NotFound, SettingInvalid
from arkwright.iam.sealing import Sealer
from arkwright.store.base import DefinitionWrite, Kind, Store
from arkwright.store.open import open_store
from arkwright.testing.store_records import HERE, NOON

COUNT = 12


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 2)
    monkeypatch.setattr(module, "SECOND_LOOK_SECONDS", 0.0)


def make(store: Store, sealer: Sealer, *, alone: bool = True) -> Resealing:
    return Resealing(store=store, sealer=sealer, clock=SystemClock(), finders=FINDERS, alone=alone, pace=0.0)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Store]:
    store = open_store(address)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def fill(store: Store, sealer: Sealer) -> None:
    for n in range(COUNT):
        name = f"c{n}"
        sealed = base64.b64encode(sealer.seal(bound_to(HERE, name, "password"), f"pass {n}")).decode()
        write = DefinitionWrite(
            name=name,
            category="HOST",
            directory="/",
            body={"name": name, "config": {"password": {"$sealed": sealed}}},
            submit=True,
            actor="a",
            at_ms=NOON,
        )
        await store.create_definition(HERE, Kind.CONNECTION, write)
    key = AccessKey(access_key="AK", sealed_secret=sealer.seal("AK", "secret"), user_id="u")
    await store.write_identity([key])


async def passwords(store: Store, sealer: Sealer) -> list[str]:
    found = []
    for n in range(COUNT):
        stored = await store.get_definition(HERE, Kind.CONNECTION, f"c{n}")
        assert stored is not None
        found.append(unsealed(stored.body["config"], HERE, f"c{n}", sealer)["password"])
    return found


def test_everything_is_sealed_with_the_new_key_and_opens_with_it_alone(tmp_path: Path, address: str) -> None:
    async def scene() -> None:
        sealer = Sealer(tmp_path / "secret.key")
        async with opened(address) as store:
            await fill(store, sealer)
            resealing = make(store, sealer)
            await resealing.prepare()
            (old,) = resealing.key_ids()
            new = (await resealing.rotate()).key
            await resealing.wait()
            uses = await resealing.uses()
            assert (uses.by_key[old], uses.by_key[new], uses.unreadable) == (0, COUNT + 1, 0)
            await resealing.remove(old)
            fresh = Sealer(tmp_path / "secret.key")
            assert fresh.key_ids() == [new]
            assert await passwords(store, fresh) == [f"pass {n}" for n in range(COUNT)]
            (key,) = (await store.read_identity()).access_keys
            assert fresh.unseal("AK", key.sealed_secret) == b"secret"
            await resealing.close()

    asyncio.run(scene())


def test_one_that_is_interrupted_goes_on_where_it_was(tmp_path: Path, address: str) -> None:
    async def scene() -> None:
        sealer = Sealer(tmp_path / "secret.key")
        async with opened(address) as store:
            await fill(store, sealer)
            first = make(store, sealer)
            await first.prepare()
            await first.rotate()
            while not first.resealed:
                await asyncio.sleep(0)
            await first.close()  # as if killed: what was under way is not finished
        interruptions = 0
        async with opened(address) as store:
            while True:
                again = make(store, Sealer(tmp_path / "secret.key"))
                await again.prepare()
                await again.open()
                before = again.resealed
                while again.under_way and again.resealed == before:
                    await asyncio.sleep(0)
                if not again.under_way:
                    break
                await again.close()
                interruptions += 1
            uses = await again.uses()
            assert interruptions > 1
            assert uses.by_key == {again.sealing_key_id(): COUNT + 1}
            await again.close()

    asyncio.run(scene())


def test_two_servers_at_once_do_it_once(tmp_path: Path, address: str) -> None:
    async def scene() -> None:
        sealer = Sealer(tmp_path / "secret.key")
        async with opened(address) as store:
            await fill(store, sealer)
            one, two = make(store, sealer), make(store, Sealer(tmp_path / "secret.key"))
            await one.prepare()
            await two.prepare()
            await one.rotate()
            await two.open()
            await asyncio.gather(one.wait(), two.wait())
            assert one.resealed + two.resealed == COUNT + 1
            assert (await two.uses()).by_key == {one.sealing_key_id(): COUNT + 1}
            await one.close()
            await two.close()

    asyncio.run(scene())


def test_with_several_servers_a_key_is_made_first_and_used_when_all_have_it(
    tmp_path: Path, postgres_ready: str
) -> None:
    async def scene() -> None:
        here, there = tmp_path / "here.key", tmp_path / "there.key"
        async with opened(postgres_ready) as one, opened(postgres_ready) as two:
            await fill(one, Sealer(here))
            there.write_bytes(here.read_bytes())
            first, second = (
                make(one, Sealer(here), alone=False),
                make(two, sealer_there := Sealer(there), alone=False),
            )
            await first.prepare()
            await second.prepare()
            with pytest.raises(IllegalState):
                await first.rotate(keys_copied=True)
            made = await first.rotate()
            assert not made.under_way
            assert first.sealing_key_id() != made.key
            assert (await first.rotate()).key == made.key  # asked again, it is the same
            await first.rotate(keys_copied=True)  # somebody goes on too soon
            await first.wait()
            with pytest.raises(SettingInvalid) as missing:
                await passwords(two, sealer_there)
            assert made.key in str(missing.value)
            there.write_bytes(here.read_bytes())  # and nothing was lost by it
            assert await passwords(two, sealer_there) == [f"pass {n}" for n in range(COUNT)]
            async with asyncio.timeout(10):
                while second.sealing_key_id() != made.key:
                    await asyncio.sleep(0.01)
            await first.close()
            await second.close()

    asyncio.run(scene())


def test_a_key_that_is_needed_or_seals_is_not_removed(tmp_path: Path, address: str) -> None:
    async def scene() -> None:
        sealer = Sealer(tmp_path / "secret.key")
        async with opened(address) as store:
            await fill(store, sealer)
            resealing = make(store, sealer)
            await resealing.prepare()
            (old,) = resealing.key_ids()
            with pytest.raises(NotFound):
                await resealing.remove("nothing")
            with pytest.raises(IllegalState) as seals:
                await resealing.remove(old)
            assert "seals" in str(seals.value)
            new = sealer.add_key()
            await store.set_sealing_key(new)
            sealer.prefer(new)
            with pytest.raises(IllegalState) as needed:
                await resealing.remove(old)
            assert f"{COUNT + 1} values" in str(needed.value)
            assert resealing.key_ids() == [old, new]
            await resealing.close()

    asyncio.run(scene())


def test_what_no_key_opens_is_counted_and_keeps_nobody_from_anything(tmp_path: Path, address: str) -> None:
    async def scene() -> None:
        sealer, lost = Sealer(tmp_path / "secret.key"), Sealer(tmp_path / "lost.key")
        async with opened(address) as store:
            await fill(store, sealer)
            await store.write_identity(
                [AccessKey(access_key="OLD", sealed_secret=lost.seal("OLD", "secret"), user_id="u")]
            )
            resealing = make(store, sealer)
            await resealing.prepare()
            (old,) = resealing.key_ids()
            await resealing.rotate()
            await resealing.wait()
            uses = await resealing.uses()
            assert uses.unreadable == 1
            await resealing.remove(old)
            await resealing.close()

    asyncio.run(scene())
