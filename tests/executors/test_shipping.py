"""Shipping logs of local attempts: whole, once, soon, and without looking at those who say nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path

import pytest

from arkwright.errors import StoreUnavailable
from arkwright.executors import shipping
from arkwright.executors.local_guard import cap_log
from arkwright.executors.log_tail import next_piece
from arkwright.executors.shipping import Shipper
from arkwright.nodes.base import AttemptKey

KEY = AttemptKey(instance_id=1000, node=0, attempt=1)
CAP = 400_000


class Shelf:
    """A sink in memory; `broken` makes it fail."""

    def __init__(self) -> None:
        self.logs: dict[AttemptKey, bytes] = {}
        self.files: dict[tuple[AttemptKey, str], bytes] = {}
        self.whole: list[AttemptKey] = []
        self.calls = 0
        self.broken = False

    def _called(self) -> None:
        self.calls += 1
        if self.broken:
            raise StoreUnavailable("the storage is away")

    async def log_end(self, key: AttemptKey) -> int:
        self._called()
        return len(self.logs.get(key, b""))

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        self._called()
        before = self.logs.get(key, b"")
        assert offset <= len(before), "a gap"
        self.logs[key] = before[:offset] + data + before[offset + len(data) :]

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        self._called()
        self.logs[key] = self.logs.get(key, b"")[:offset] + data

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        self._called()
        self.files[key, name] = data

    async def ended(self, key: AttemptKey) -> None:
        self._called()
        self.whole.append(key)


class Stage:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.shelf = Shelf()
        self.folder = root / "runs" / "a"
        self.folder.mkdir(parents=True)

    def say(self, text: bytes) -> None:
        with (self.folder / "log").open("ab") as log:
            log.write(text)

    @contextlib.asynccontextmanager
    async def shipper(self, lag: float = 0.05, patience: float = 30.0) -> AsyncGenerator[Shipper, None]:
        shipper = Shipper(
            self.shelf,
            cap=CAP,
            notes=self.root / "notes",
            folder_of=lambda _: self.folder,
            lag_seconds=lag,
            patience_seconds=patience,
        )
        await shipper.open()
        try:
            yield shipper
        finally:
            await shipper.close()

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not there():
                await asyncio.sleep(0.005)

    def noted(self) -> list[str]:
        return [each.name for each in (self.root / "notes").iterdir()] if (self.root / "notes").exists() else []


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def run(work: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(work())


def test_a_log_arrives_while_its_program_runs_and_whole_at_the_end(stage: Stage) -> None:
    async def work() -> None:
        async with stage.shipper() as shipper:
            shipper.begin(KEY, stage.folder, adopted=False)
            stage.say(b"one\n")
            await stage.until(lambda: stage.shelf.logs.get(KEY) == b"one\n")
            stage.say(b"two\n")
            await stage.until(lambda: stage.shelf.logs.get(KEY) == b"one\ntwo\n")
            stage.say(b"three\n")
            (stage.folder / "output").write_bytes(b"3")
            await shipper.finish(KEY, ("output", "columns"))
            assert stage.shelf.logs[KEY] == b"one\ntwo\nthree\n"
            assert stage.shelf.files == {(KEY, "output"): b"3"}
            assert stage.shelf.whole == [KEY]
            assert stage.noted() == []

    run(work)


def test_a_program_that_says_nothing_costs_nothing(stage: Stage) -> None:
    async def work() -> None:
        async with stage.shipper(lag=0.02) as shipper:
            stage.say(b"x")
            shipper.begin(KEY, stage.folder, adopted=False)
            await stage.until(lambda: KEY in stage.shelf.logs)
            loop = asyncio.get_running_loop()
            wakes = 0
            original = loop.call_later

            def counted(*arguments: object, **more: object) -> object:
                nonlocal wakes
                wakes += 1
                return original(*arguments, **more)  # type: ignore[arg-type]

            loop.call_later = counted  # type: ignore[method-assign, assignment]
            calls = stage.shelf.calls
            done = asyncio.Event()
            original(0.4, done.set)
            await done.wait()
            assert (wakes, stage.shelf.calls) == (0, calls)

    run(work)


def test_a_program_that_waits_for_its_folder_is_shipped_once_it_has_begun(stage: Stage) -> None:
    async def work() -> None:
        later = stage.root / "runs" / "later"
        async with stage.shipper() as shipper:
            shipper.begin(KEY, later, adopted=False)
            await stage.until(later.exists)
            (later / "log").write_bytes(b"begun")
            await stage.until(lambda: stage.shelf.logs.get(KEY) == b"begun")

    run(work)


def test_a_server_that_comes_back_goes_on_where_the_last_piece_ended(stage: Stage) -> None:
    async def work() -> None:
        async with stage.shipper() as shipper:
            shipper.begin(KEY, stage.folder, adopted=False)
            stage.say(b"before ")
            await stage.until(lambda: stage.shelf.logs.get(KEY) == b"before ")
        stage.say(b"meanwhile ")
        async with stage.shipper() as shipper:
            shipper.begin(KEY, stage.folder, adopted=True)
            await stage.until(lambda: stage.shelf.logs.get(KEY) == b"before meanwhile ")
            stage.say(b"after")
            await shipper.finish(KEY, ())
        assert stage.shelf.logs[KEY] == b"before meanwhile after"

    run(work)


def test_what_a_dead_server_had_not_shipped_is_shipped_although_nobody_here_runs_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server took the instance over: nobody attaches to the attempt here any more."""
    monkeypatch.setattr(shipping, "AGAIN_SECONDS", 0.02)

    async def work() -> None:
        async with stage.shipper() as shipper:
            shipper.begin(KEY, stage.folder, adopted=False)
            stage.say(b"a")
            await stage.until(lambda: stage.shelf.logs.get(KEY) == b"a")
        stage.say(b"b")
        async with stage.shipper():
            await stage.until(lambda: stage.shelf.whole == [KEY])
        assert stage.shelf.logs[KEY] == b"ab"
        assert stage.noted() == []

    run(work)


def test_a_storage_that_is_away_holds_an_end_up_for_a_while_and_gets_everything_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "AGAIN_SECONDS", 0.05)

    async def work() -> None:
        async with stage.shipper(patience=0.1) as shipper:
            shipper.begin(KEY, stage.folder, adopted=False)
            stage.say(b"kept")
            (stage.folder / "output").write_bytes(b"1")
            stage.shelf.broken = True
            await shipper.finish(KEY, ("output",))
            assert stage.noted() == ["1000-0-1"]
            stage.shelf.broken = False
            await stage.until(lambda: stage.shelf.whole == [KEY])
        assert (stage.shelf.logs, stage.shelf.files) == ({KEY: b"kept"}, {(KEY, "output"): b"1"})

    run(work)


def test_a_log_over_its_cap_arrives_as_it_is_after_each_cut(stage: Stage) -> None:
    """What is read beside the cuts is the same as what the file holds at the end."""

    async def work() -> None:
        async with stage.shipper(lag=0.01) as shipper:
            shipper.begin(KEY, stage.folder, adopted=False)
            for number in range(60):
                stage.say(f"{number:06}\n".encode() * 4000)
                if number % 3 == 0:
                    cap_log(str(stage.folder / "log"), CAP, CAP // 30)
                await asyncio.sleep(0)
                if number % 7 == 0:
                    seen = stage.shelf.calls
                    await stage.until(lambda seen=seen: stage.shelf.calls > seen)
            cap_log(str(stage.folder / "log"), CAP)
            await shipper.finish(KEY, ())
        assert stage.shelf.logs[KEY] == (stage.folder / "log").read_bytes()
        assert len(stage.shelf.logs[KEY]) <= CAP

    run(work)


@pytest.mark.parametrize("size", [CAP + 1, 2 * CAP, 8_000_000])
def test_a_log_that_was_cut_before_anybody_looked_arrives_whole(stage: Stage, size: int) -> None:
    async def work() -> None:
        async with stage.shipper(lag=60) as shipper:
            shipper.begin(KEY, stage.folder, adopted=False)
            stage.say(b"x" * size)
            cap_log(str(stage.folder / "log"), CAP)
            await shipper.finish(KEY, ())
        assert stage.shelf.logs[KEY] == (stage.folder / "log").read_bytes()

    run(work)


def test_a_log_that_its_program_emptied_is_shipped_as_it_is_now(stage: Stage) -> None:
    stage.say(b"long before")
    first = next_piece(stage.folder / "log", 0, CAP)
    assert first is not None
    (stage.folder / "log").write_bytes(b"new")
    shorter = next_piece(stage.folder / "log", first.end, CAP)
    assert shorter is not None
    assert (shorter.offset, shorter.data, shorter.replaces) == (0, b"new", True)


def test_an_old_copy_of_a_log_takes_nothing_from_what_has_arrived(stage: Stage) -> None:
    """A backup that was restored while the original went on, or goes on still."""

    async def work() -> None:
        stage.shelf.logs[KEY] = b"all of it, from the original"
        stage.say(b"all of")
        async with stage.shipper() as shipper:
            shipper.begin(KEY, stage.folder, adopted=True)
            await shipper.finish(KEY, ())
        assert stage.shelf.logs[KEY] == b"all of it, from the original"

    run(work)


def test_many_programs_that_end_at_once_are_all_shipped(stage: Stage) -> None:
    async def work() -> None:
        async with stage.shipper() as shipper:
            keys = [AttemptKey(instance_id=n, node=0, attempt=1) for n in range(200)]
            for key in keys:
                folder = stage.root / "runs" / str(key.instance_id)
                folder.mkdir()
                (folder / "log").write_bytes(str(key).encode())
                shipper.begin(key, folder, adopted=False)
            await asyncio.gather(*(shipper.finish(key, ()) for key in keys))
            assert stage.shelf.logs == {key: str(key).encode() for key in keys}
            assert stage.noted() == []

    run(work)
