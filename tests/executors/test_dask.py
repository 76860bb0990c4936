"""The transport by Dask: with a real scheduler, and workers that only say what was brought."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from arkwright.errors import SettingInvalid
from arkwright.executors import dask_task
from arkwright.executors.dask_settings import GROUP_RESOURCE, configure, read_address
from arkwright.executors.dask_transport import DaskTransport
from arkwright.nodes.base import AttemptKey

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

NAMES = ("--executor", "--ca", "--cert", "--key")


def key(number: int) -> AttemptKey:
    return AttemptKey(instance_id=number, node=0, attempt=1)


def free_address() -> str:
    """Free also later, when its scheduler is started or started again: nobody else uses that loopback address."""
    host = ".".join(map(str, (127, *(random.randrange(1, 255) for _ in range(3)))))
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"


@contextlib.asynccontextmanager
async def cluster(address: str, *groups: str) -> AsyncIterator[Any]:
    """A scheduler, and a worker of these groups."""
    from distributed import Scheduler, Worker

    configure()
    host, port = address.split(":")
    async with (
        Scheduler(host=host, port=int(port), dashboard=False, dashboard_address="127.0.0.1:0") as scheduler,
        Worker(
            scheduler.address,
            nthreads=4,
            resources={f"{GROUP_RESOURCE}{group}": 4.0 for group in groups},
            dashboard=False,
            memory_limit=0,
        ),
    ):
        yield scheduler


@contextlib.asynccontextmanager
async def transport(place: str) -> AsyncIterator[tuple[DaskTransport, asyncio.Queue[AttemptKey]]]:
    address = read_address(f"dask://{place}", ca=None, cert=None, key=None, names=NAMES)
    delivered: asyncio.Queue[AttemptKey] = asyncio.Queue()
    made = DaskTransport(address, name="test")
    await made.open(delivered.put_nowait)
    try:
        yield made, delivered
    finally:
        await made.close()


def play(scene: Coroutine[Any, Any, None]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(40):
            await scene

    asyncio.run(in_time())


def test_what_is_announced_before_there_is_a_scheduler_is_brought_once_to_a_worker_of_its_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        brought: list[str] = []

        async def take(name: str) -> str:
            brought.append(name)
            return "ended"

        monkeypatch.setattr(dask_task, "_take", take)
        place = free_address()
        async with transport(place) as (made, delivered):
            made.announce(key(1), "gpu")
            made.announce(key(1), "gpu")
            async with cluster(place, "gpu", "cpu"):
                assert await delivered.get() == key(1)
                made.announce(key(2), "nobody's")
                made.announce(key(3), "cpu")
                assert await delivered.get() == key(3)
            assert brought == ["1-0-1", "3-0-1"]

    play(scene())


def test_a_task_carries_the_attempts_name_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        going = asyncio.Event()

        async def take(name: str) -> str:
            await going.wait()
            return "ended"

        monkeypatch.setattr(dask_task, "_take", take)
        place = free_address()
        async with cluster(place, "gpu") as scheduler, transport(place) as (made, delivered):
            made.announce(key(1), "gpu")
            while "1-0-1" not in scheduler.tasks:
                await asyncio.sleep(0.01)
            task = scheduler.tasks["1-0-1"]
            assert task.resource_restrictions == {"group.gpu": 1}
            assert task.retries == 0
            spec = task.run_spec
            if hasattr(spec, "deserialize"):
                spec = spec.deserialize()
            assert (spec.func, spec.args, dict(spec.kwargs)) == (dask_task.take_attempt, ("1-0-1",), {})
            going.set()
            assert await delivered.get() == key(1)

    play(scene())


def test_when_the_scheduler_is_lost_everything_is_given_back_to_be_looked_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        async def take(name: str) -> str:
            await asyncio.Event().wait()
            return "never"

        monkeypatch.setattr(dask_task, "_take", take)
        place = free_address()
        async with transport(place) as (made, delivered):
            async with cluster(place, "gpu") as scheduler:
                made.announce(key(1), "gpu")
                made.announce(key(2), "nobody's")
                while len(scheduler.tasks) < 2:
                    await asyncio.sleep(0.01)
            assert {await delivered.get(), await delivered.get()} == {key(1), key(2)}

    play(scene())


@pytest.mark.parametrize("met", ["lost", "never there"])
def test_the_end_beside_a_scheduler_that_is_gone_is_quick_and_says_nothing(
    met: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        place = free_address()
        async with transport(place) as (made, _):
            if met == "lost":
                async with cluster(place, "gpu"):
                    while not made.connected:
                        await asyncio.sleep(0.01)
                while made.connected:
                    await asyncio.sleep(0.01)
            caplog.clear()
            before = asyncio.get_running_loop().time()
        gc.collect()  # what was left unfinished complains now
        assert asyncio.get_running_loop().time() - before < 1
        assert not [each for each in caplog.records if each.levelno >= logging.ERROR], caplog.text

    play(scene())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("http://a:1", "must be dask://HOST:PORT or tls://HOST:PORT"),
        ("dask://a", "must be dask://HOST:PORT"),
        ("tls://a:1", "--ca is missing"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_way_out(given: str, says: str) -> None:
    with pytest.raises(SettingInvalid, match=says) as refused:
        read_address(given, ca=None, cert=None, key=None, names=NAMES)
    assert refused.value.hint
