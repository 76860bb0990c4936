"""Brings attempts to workers through Dask distributed (`remote.Transport`). Settings: `dask_settings`.

Theory of operation: an attempt's name is its task's key, so announcing it twice, or from another engine after a crash,
is one task as long as the scheduler knows it. Whatever happens to a task (it ran, its worker died, it was lost with the
scheduler), its future ends, and `remote` looks into the store. The connection is kept by one task that makes a new
client whenever the last one has ended; what was announced meanwhile is told to the new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from arkwright.executors.attempt_wire import attempt_name
from arkwright.executors.dask_settings import GROUP_RESOURCE, RETRY_SECONDS, DaskAddress, configure, security
from arkwright.executors.dask_task import take_attempt
from arkwright.nodes.base import AttemptKey

log = logging.getLogger("arkwright.executors.dask")


class DaskTransport:
    def __init__(self, address: DaskAddress, *, name: str, changed: Callable[[], None] = lambda: None) -> None:
        """`name` is shown by the scheduler. `changed`: the connection is there, or is lost. Raises `SettingInvalid`
        without Dask."""
        configure()
        self._address = address
        self._name = name
        self._changed = changed
        self._delivered: Callable[[AttemptKey], None]
        self._wanted: dict[AttemptKey, str] = {}
        self._futures: dict[AttemptKey, Any] = {}
        self._client: Any = None
        self._keeping: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self, delivered: Callable[[AttemptKey], None]) -> None:
        self._delivered = delivered
        self._keeping = asyncio.get_running_loop().create_task(self._keep(), name="dask")

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def waiting(self) -> int:
        """Attempts that were announced and are not delivered."""
        return len(self._wanted)

    def announce(self, key: AttemptKey, group: str) -> None:
        self._wanted[key] = group
        if self._client is not None and key not in self._futures:
            self._submit(key, group)

    def withdraw(self, key: AttemptKey) -> None:
        self._wanted.pop(key, None)
        future: Any = self._futures.pop(key, None)
        if future is not None:
            future.release()  # a task that nobody waits for any more is forgotten by the scheduler

    async def close(self) -> None:
        self._closing = True
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    # -- inside
    async def _keep(self) -> None:
        from distributed import Client

        make: Any = Client
        tries = 0
        while not self._closing:  # a cancel that comes while Dask connects ends as "timed out"
            client = make(
                self._address.url,
                asynchronous=True,
                security=security(self._address),
                name=self._name,
                timeout=5,
                set_as_default=False,
                heartbeat_interval="5s",
            )
            try:
                await client
                tries = 0
                log.info("Connected to the Dask scheduler %s.", self._address.url)
                await self._use(client)
                log.warning("The Dask scheduler %s was lost; connecting again.", self._address.url)
            except Exception as error:  # Dask has many words for "no scheduler there"
                self._lose()
                if tries == 0:
                    log.warning("The Dask scheduler %s can't be reached (%s); trying again.", self._address.url, error)
                tries += 1
            finally:
                with contextlib.suppress(Exception):  # it ends; nothing of it is needed any more
                    await asyncio.wait_for(client.close(timeout=1), 2)
            if tries and not self._closing:
                await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1])

    async def _use(self, client: Any) -> None:
        """Until the connection is lost."""

        async def leave() -> None:
            self._lose()
            await client._close()

        # Its own way is to connect again for some seconds. All futures are lost before that, nobody here would know
        # that nothing is brought meanwhile, and whoever ends the client then finds it in the middle of that.
        client._reconnect = leave
        self._client = client
        for key, group in list(self._wanted.items()):
            self._submit(key, group)
        self._changed()
        await asyncio.wait({client._handle_report_task})
        self._lose()

    def _submit(self, key: AttemptKey, group: str) -> None:
        name = attempt_name(key)
        future: Any = self._client.submit(
            take_attempt,
            name,
            key=name,
            resources={f"{GROUP_RESOURCE}{group}": 1},
            retries=0,
            pure=False,
        )
        self._futures[key] = future
        future.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: AttemptKey, future: Any) -> None:
        """Called by Dask, on a thread of its own or on ours."""
        loop = self._keeping.get_loop() if self._keeping is not None else None
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop is just closing
                loop.call_soon_threadsafe(self._through, key, future)

    def _through(self, key: AttemptKey, future: Any) -> None:
        held = self._futures.get(key)
        if held is None or held is not future:
            return
        del self._futures[key]
        self._wanted.pop(key, None)
        held.release()
        self._delivered(key)

    def _lose(self) -> None:
        """Give back all that the lost scheduler had: the store says which of it nobody has claimed."""
        if self._client is None:
            return
        self._client = None
        lost, self._wanted = list(self._wanted), {}
        self._futures.clear()
        for key in lost:
            self._delivered(key)
        self._changed()
