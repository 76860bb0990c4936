"""Several Dask schedulers: each group goes by its own, and one that is away disturbs no other. All are real."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.executors.test_dask import NAMES, cluster, free_address, key, play

from arkwright.core.workers import Way, ways_to
from arkwright.errors import SettingInvalid
from arkwright.executors import dask_task
from arkwright.executors.dask_settings import DaskAddress
from arkwright.executors.dask_ways import DaskWays, read_ways
from arkwright.nodes.base import AttemptKey

pytest.importorskip("distributed", reason="the extra `dask` is not installed")


class Ways:
    """As the engine has them, with what they told."""

    def __init__(self, given: str) -> None:
        self.made = DaskWays(read(given), name="test")
        self.delivered: asyncio.Queue[AttemptKey] = asyncio.Queue()
        self._changed = asyncio.Event()

    async def open(self) -> None:
        await self.made.open(self.delivered.put_nowait, self._changed.set)

    async def until(self, reached: Callable[[list[bool]], bool]) -> None:
        """Which are connected, in the order of the setting."""
        while not reached([each.connected for each in self.made.ways]):
            await self._changed.wait()
            self._changed.clear()


def read(given: str) -> list[tuple[Way, DaskAddress]]:
    return read_ways(given, ca=None, cert=None, key=None, names=NAMES)


@contextlib.asynccontextmanager
async def ways(given: str) -> AsyncIterator[Ways]:
    made = Ways(given)
    await made.open()
    try:
        yield made
    finally:
        await made.made.close()


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    async def take(name: str) -> str:
        names.append(name)
        return "ended"

    monkeypatch.setattr(dask_task, "_take", take)
    return names


def test_each_group_goes_by_its_own_scheduler_and_one_that_is_away_holds_up_its_own_group_alone(
    brought: list[str],
) -> None:
    async def scene() -> None:
        gpu, rest = free_address(), free_address()
        async with (
            cluster(rest, "cpu"),
            ways(f"dask://{rest}, gpu=dask://{gpu}") as made,
        ):
            await made.until(lambda connected: connected == [True, False])
            made.made.announce(key(1), "gpu")
            made.made.announce(key(2), "cpu")
            assert await made.delivered.get() == key(2)
            assert brought == ["2-0-1"]
            async with cluster(gpu, "gpu"):
                assert await made.delivered.get() == key(1)
                assert [each.connected for each in made.made.ways] == [True, True]
            await made.until(lambda connected: connected == [True, False])
            made.made.announce(key(3), "gpu")
            made.made.announce(key(4), "cpu")
            assert await made.delivered.get() == key(4)
            made.made.withdraw(key(3))
            assert brought == ["2-0-1", "1-0-1", "4-0-1"]

    play(scene())


def test_schedulers_of_one_group_share_its_attempts_and_what_waits_for_a_lost_one_goes_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        going = asyncio.Event()

        async def take(name: str) -> str:
            await going.wait()
            return "ended"

        monkeypatch.setattr(dask_task, "_take", take)
        one, two = free_address(), free_address()
        async with ways(f"gpu=dask://{one},gpu=dask://{two}") as made:
            for number in range(4):
                made.made.announce(key(number), "gpu")  # nobody is there yet
            async with cluster(two, "gpu") as second:
                await made.until(lambda connected: connected == [False, True])
                while len(second.tasks) < 4:
                    await asyncio.sleep(0.01)
                async with cluster(one, "gpu") as first:
                    await made.until(lambda connected: connected == [True, True])
                    for number in range(4, 10):
                        made.made.announce(key(number), "gpu")
                    while len(first.tasks) + len(second.tasks) < 10:
                        await asyncio.sleep(0.01)
                    assert len(first.tasks) == 5, "each has the fewest in its turn"
                    going.set()
                    assert {await made.delivered.get() for _ in range(10)} == {key(number) for number in range(10)}

    play(scene())


def test_what_a_lost_scheduler_had_is_given_back_and_announced_by_the_other(brought: list[str]) -> None:
    async def scene() -> None:
        one, two = free_address(), free_address()
        async with ways(f"dask://{one},dask://{two}") as made:
            async with cluster(one, "nobody's"):
                await made.until(lambda connected: connected == [True, False])
                made.made.announce(key(1), "gpu")
            assert await made.delivered.get() == key(1)
            made.made.announce(key(1), "gpu")  # the store said that nobody has it
            async with cluster(two, "gpu"):
                assert await made.delivered.get() == key(1)
            assert brought == ["1-0-1"]

    play(scene())


def test_one_scheduler_may_be_named_for_several_groups_and_for_all_others() -> None:
    found = [way for way, _ in read("gpu=dask://a:1,cpu=dask://b:1,dask://a:1, io = dask://a:1")]
    assert found == [
        Way(url="tcp://a:1", groups=("gpu", "io"), others=True),
        Way(url="tcp://b:1", groups=("cpu",)),
    ]
    assert ways_to("cpu", found) == (found[1],)
    assert ways_to("gpu", found) == ways_to("else", found) == (found[0],)
    assert ways_to("else", found[1:]) == ()
    assert read("local") == read("") == []
    assert [way for way, _ in read("local,gpu=dask://a:1")] == [Way(url="tcp://a:1", groups=("gpu",))]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("local=dask://a:1", "'local'"),
        ("a b=dask://a:1", "'a b'"),
        ("=dask://a:1", "a group's name"),
        ("gpu=", "must be dask://HOST:PORT"),
        ("dask://a:1,gpu", "must be dask://HOST:PORT"),
        ("gpu=tls://a:1", "--ca is missing"),
    ],
)
def test_a_list_that_is_none_is_refused_with_the_way_out(given: str, says: str) -> None:
    with pytest.raises(SettingInvalid, match=says) as refused:
        read(given)
    assert refused.value.hint


def test_certificates_are_for_those_that_are_encrypted(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.touch()
    found = read_ways("tls://a:1,gpu=dask://127.0.0.1:1", ca=file, cert=file, key=file, names=NAMES)
    assert [address.ca for _, address in found] == [file, None]
    with pytest.raises(SettingInvalid, match="not encrypted"):
        read_ways("dask://a:1", ca=file, cert=file, key=file, names=NAMES)
