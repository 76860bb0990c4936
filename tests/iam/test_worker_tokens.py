"""Tokens of workers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from arkwright.errors import NotFound, Unauthenticated
from arkwright.iam.worker_tokens import WorkerTokens
from arkwright.store.base import Store
from arkwright.store.open import open_store

DAY_MS = 24 * 60 * 60 * 1000


class Clock:
    now = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now


def play(folder: Path, scene: Any) -> None:
    async def all_of_it() -> None:
        store = open_store(str(folder / "store.db"))
        await store.open()
        try:
            found: Coroutine[Any, Any, None] = scene(store, Clock())
            await found
        finally:
            await store.close()

    asyncio.run(all_of_it())


def test_a_token_is_good_until_it_expires_and_its_text_is_nowhere(tmp_path: Path) -> None:
    async def scene(store: Store, clock: Clock) -> None:
        tokens = WorkerTokens(store, clock)
        text, made = await tokens.issue(["gpu", "gpu", "cpu"], lifetime_ms=DAY_MS, by="ada")
        assert made.groups == ("gpu", "cpu")
        assert await tokens.verify(text) == made
        secret = text.removeprefix("awk_").encode()
        assert not any(secret in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        clock.now += DAY_MS
        with pytest.raises(Unauthenticated, match="has expired"):
            await tokens.verify(text)

    play(tmp_path, scene)


@pytest.mark.parametrize("text", ["", "awk_", "awk_" + "x" * 43, "gAAAAA" + "x" * 54, "awk_" + "ä" * 43])
def test_what_is_no_token_opens_nothing(tmp_path: Path, text: str) -> None:
    async def scene(store: Store, clock: Clock) -> None:
        with pytest.raises(Unauthenticated):
            await WorkerTokens(store, clock).verify(text)

    play(tmp_path, scene)


def test_a_revoked_token_ends_at_once_here_and_soon_elsewhere(tmp_path: Path) -> None:
    async def scene(store: Store, clock: Clock) -> None:
        here, elsewhere = WorkerTokens(store, clock), WorkerTokens(store, clock, recheck_ms=1000)
        text, made = await here.issue(["gpu"], lifetime_ms=DAY_MS, by="ada")
        await here.verify(text)
        await elsewhere.verify(text)
        await here.revoke(made.id)
        revoked = await here.revoke(made.id)
        assert revoked.revoked_ms == clock.now
        with pytest.raises(Unauthenticated, match="was revoked"):
            await here.verify(text)
        clock.now += 1000
        with pytest.raises(Unauthenticated, match="was revoked"):
            await elsewhere.verify(text)
        with pytest.raises(NotFound):
            await here.revoke(7)

    play(tmp_path, scene)
