"""LocalExecutor keeps the executors' contract, on both event loops and without anything special to Linux."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import uvloop

from arkwright.executors.local import LocalExecutor
from arkwright.executors.process import PortableSystem
from arkwright.nodes.registry import Registry
from arkwright.testing.executor_suite import ExecutorSuite


def make(registry: Registry, root: Path) -> LocalExecutor:
    return LocalExecutor(registry, root=root)


def make_portable(registry: Registry, root: Path) -> LocalExecutor:
    return LocalExecutor(registry, root=root, system=PortableSystem())


class TestLocalExecutor(ExecutorSuite):
    factory = "tests.executors.test_local:make"

    def kill_supervisor(self, folder: Path) -> None:
        os.kill(int((folder / "child").read_text().split()[1]), signal.SIGKILL)


class TestLocalExecutorOnUvloop(TestLocalExecutor):
    def new_loop(self) -> asyncio.AbstractEventLoop:
        return uvloop.new_event_loop()


class TestLocalExecutorWithThePortableFallback(TestLocalExecutor):
    factory = "tests.executors.test_local:make_portable"
