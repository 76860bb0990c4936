"""Runs hosted nodes in resident host processes that outlive the server (`resident_host`).

Theory of operation
-------------------
The server is only a client here: whether an attempt starts, goes on, is asked back or has ended is decided by the
one host of its name, by the files in the attempt's folder. So `submit` and `attach` come to nearly the same: "see to
it that this attempt runs once, and tell me how it ended", and both may be repeated by any server at any time.

* kill -9 of the server: the hosts go on; the next server's `attach` connects to them, or reads the outcome from the
  attempt's folder when it has ended since, without starting anything.
* kill -9 of a host: its connection breaks; a fresh host is started, all that is pending is asked for again, and the
  node says what became of each attempt (`recall`).
* both: as above, with the next server.
* a power cut: claims and outcomes that were not synced may be gone. `BootMark` tells that the machine was restarted;
  the node is then asked about attempts without a claim, too.
* a server or a host that was frozen: what has not begun at the end of the lease waits for the next one (`beginning`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.base import Finished
from arkwright.executors.beginning import Beginning
from arkwright.executors.local_boot import BootMark
from arkwright.executors.process import System, this_system
from arkwright.executors.resident_attempt import AttemptFolder
from arkwright.executors.resident_link import HostLink, Launch, Pending, clean_environment
from arkwright.nodes.base import AttemptKey, Context, HostedNode, Work
from arkwright.nodes.registry import Registry

log = logging.getLogger("arkwright.executors.resident")

BUILT_IN = "arkwright.nodes.registry:Registry"
SETTLE_SECONDS = 30.0
"""Recovery counts as over when nothing was attached for so long."""


class ResidentExecutor:
    """An `Executor` for nodes whose work is `Work.HOSTED`."""

    def __init__(
        self,
        registry: Registry,
        hosts_folder: Path,
        *,
        host_registry: str = BUILT_IN,
        own_addresses: frozenset[tuple[str, int]] = frozenset(),
        settings: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        settle_seconds: float = SETTLE_SECONDS,
        system: System | None = None,
    ) -> None:
        """`host_registry` is `module:callable`, what makes the same registry inside a host. `own_addresses` are the
        (IP address, port) pairs at which this server itself listens. `settings` go to every hosted node's `configure`
        and to the host itself (`idle_seconds`, `log_cap_bytes`); they must be plain JSON values. `secrets` are more of
        them, which never stand in a host's arguments or a file. `environment` is all that a host gets; default: the few
        variables that programs need to work at all.
        """
        self._registry = registry
        every = dict(settings or {})
        every["own_addresses"] = sorted([address, port] for address, port in own_addresses)
        self._launch = Launch(
            folder=hosts_folder.absolute(),
            registry=host_registry,
            settings=every,
            environment=clean_environment() if environment is None else dict(environment),
            secrets=dict(secrets or {}),
        )
        self.beginning = Beginning()
        self._mark = BootMark(self._launch.folder, (system or this_system()).boot)
        self._settle_seconds = settle_seconds
        self._settle_timer: asyncio.TimerHandle | None = None
        self._finished: Finished | None = None
        self._links: dict[str, HostLink] = {}
        self._link_of: dict[AttemptKey, HostLink] = {}
        self._attaching: dict[AttemptKey, asyncio.Task[None]] = {}
        self._cancelled_early: set[AttemptKey] = set()

    async def open(self, finished: Finished) -> None:
        self._finished = finished
        await asyncio.to_thread(self._mark.read)
        self._arm_settle()

    def _arm_settle(self) -> None:
        if not self._mark.rebooted:
            return
        if self._settle_timer is not None:
            self._settle_timer.cancel()
        loop = asyncio.get_running_loop()
        self._settle_timer = loop.call_later(
            self._settle_seconds, lambda: loop.run_in_executor(None, self._mark.settle)
        )

    def submit(self, type_name: str, context: Context) -> None:
        if not self._known(context.key):
            self._pass_on(type_name, context, attached=False)

    def attach(self, type_name: str, context: Context) -> None:
        key = context.key
        if not self._known(key):
            self._arm_settle()
            task = asyncio.get_running_loop().create_task(self._attach(type_name, context))
            self._attaching[key] = task

    def cancel(self, key: AttemptKey) -> None:
        if key in self._attaching:
            self._cancelled_early.add(key)
        link = self._link_of.get(key)
        if link is not None:
            link.cancel(key)

    async def close(self) -> None:
        if self._settle_timer is not None:
            self._settle_timer.cancel()
        for task in self._attaching.values():
            task.cancel()
        await asyncio.gather(*self._attaching.values(), return_exceptions=True)
        await asyncio.gather(*(link.close() for link in self._links.values()))
        self._links.clear()
        self._link_of.clear()
        self._attaching.clear()
        self._finished = None

    # -- inside
    def _known(self, key: AttemptKey) -> bool:
        return key in self._link_of or key in self._attaching

    async def _attach(self, type_name: str, context: Context) -> None:
        key = context.key
        try:
            try:
                outcome = await asyncio.to_thread(AttemptFolder(context.folder).outcome)
            except OSError:  # its host may see more
                outcome = None
            del self._attaching[key]
            if outcome is not None:
                self._end(key, outcome)
                return
            self._pass_on(type_name, context, attached=True)
            if key in self._cancelled_early:
                self.cancel(key)
        except Exception as fault:
            log.exception("attaching to attempt %s", key)
            self._end(key, Failed(kind=FailureKind.LOST, message=f"What became of it can't be found out: {fault}"))
        finally:
            self._attaching.pop(key, None)
            self._cancelled_early.discard(key)

    def _pass_on(self, type_name: str, context: Context, *, attached: bool) -> None:
        rebooted = attached and self._mark.rebooted
        found = self._place(type_name, context, attached)
        if isinstance(found, Failed):
            asyncio.get_running_loop().call_soon(self._end, context.key, found)
            return
        self._link_of[context.key] = found
        found.run(Pending(type=type_name, context=context, rebooted=rebooted))

    def _place(self, type_name: str, context: Context, attached: bool) -> HostLink | Failed:
        """The link to the attempt's host, or what speaks against it."""
        try:
            node = self._registry.find(type_name)
            if isinstance(node, Failed):
                return node
            if node.type.work is not Work.HOSTED:
                return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {node.type.name} don't run in a host.")
            hosted: HostedNode = node  # type: ignore[assignment]  # `work` says which of the union it is
            # One that may have begun is judged by its host, which sees the claim.
            refused = None if attached else hosted.check(context)
            if refused is not None:
                return refused
            name = hosted.host(context)
            link = self._links.get(name)
            if link is None:
                link = self._links[name] = HostLink(name, self._launch, self.beginning, self._end)
            return link
        except Exception as fault:
            log.exception("attempt %s of type %s", context.key, type_name)
            kind = FailureKind.LOST if attached else FailureKind.ERROR
            return Failed(kind=kind, message=f"{type(fault).__name__}: {fault}")

    def _end(self, key: AttemptKey, outcome: Outcome) -> None:
        self._link_of.pop(key, None)
        if self._finished is not None:
            self._finished(key, outcome)
