"""A store that crashes at its n-th commit, for tests of recovery.

    store = FaultyStore(real, crash_at=3, after=True)

counts the calls of `create_instance`, `create_instance_soon`, `fire_trigger`, `plan`, `commit`, `post` and `hand_over`
from 1. At call number `crash_at` it raises `Crash`: before anything was written, or (`after`) when it was durable but
nobody has been told (of `create_instance_soon` nobody ever is). From then on every call raises `Crash`, as nothing
comes from a dead process. `crash_at=0` never crashes: a first run with it tells by `calls` how many points there are.

What was stored is in `store.real`. To go on as a new process would, close that one and open a new store at the same
place: an open store remembers what it has told its process.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, cast

from arkwright.store.base import Store

COUNTED = frozenset({"create_instance", "commit", "post", "fire_trigger", "plan", "hand_over"})


class Crash(BaseException):
    """The process is dead. No `except Exception` survives that."""


class FaultyStore:
    """See the module. It answers everything that a `Store` does; `store()` says so to a type checker."""

    def __init__(self, store: Store, crash_at: int, after: bool) -> None:
        self.real = store
        self.crash_at = crash_at
        self.after = after
        self.calls = 0
        self.crashed = asyncio.Event()
        """Set by the crash, so that a test can wait for it."""

    def store(self) -> Store:
        return cast(Store, self)

    def __getattr__(self, name: str) -> Any:
        wrapped = getattr(self.real, name)
        if name in COUNTED:
            return self._counted(wrapped)
        if name == "create_instance_soon":
            return self._counted_soon(wrapped)
        if inspect.iscoroutinefunction(wrapped):
            return self._living(wrapped)
        if callable(wrapped) and self.crashed.is_set():
            raise Crash
        return wrapped

    def _living(self, call: Any) -> Any:
        async def living(*args: Any, **kwargs: Any) -> Any:
            if self.crashed.is_set():
                raise Crash
            result = await call(*args, **kwargs)
            if self.crashed.is_set():
                raise Crash
            return result

        return living

    def _counted(self, call: Any) -> Any:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            if self.crashed.is_set():
                raise Crash
            self.calls += 1
            now = self.calls == self.crash_at
            if now and not self.after:
                self.crashed.set()
                raise Crash
            result = await call(*args, **kwargs)
            if now:
                self.crashed.set()
            if self.crashed.is_set():
                raise Crash
            return result

        return counted

    def _counted_soon(self, call: Any) -> Any:
        def counted(*args: Any, told: Any, **kwargs: Any) -> None:
            if self.crashed.is_set():
                raise Crash
            self.calls += 1
            now = self.calls == self.crash_at
            if now and not self.after:
                self.crashed.set()
                raise Crash

            def durable(accepted: Any, error: BaseException | None) -> None:
                if now:
                    self.crashed.set()
                if not self.crashed.is_set():
                    told(accepted, error)

            call(*args, told=durable, **kwargs)

        return counted
