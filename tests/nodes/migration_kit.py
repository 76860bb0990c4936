"""The stage for the migration nodes: a workspace with files, real servers, a target whose process can be killed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.executors.test_resident_kit import Stage, host_environment, log_of, play

from arkwright.core.outcome import Outcome
from arkwright.executors.resident import ResidentExecutor
from arkwright.nodes import migration_run
from arkwright.nodes.base import Connection, Context
from arkwright.nodes.migration_ends import MigrationFailed
from arkwright.nodes.registry import Registry

THIS = "tests.nodes.migration_kit"


class Doomed:
    """A writer whose process dies once at a point."""

    def __init__(self, writer: Any, point: str, mark: Path) -> None:
        self._writer = writer
        self._point = point
        self._mark = mark

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._writer, name)
        if name not in ("prepare", "begin", "write", "commit"):
            return found

        def told(*given: Any) -> Any:
            self._reach(f"before {name}")
            answer = found(*given)
            if self._point == f"unanswered {name}" and not self._mark.exists():
                self._mark.touch()
                raise MigrationFailed("The connection broke.")
            self._reach(f"after {name}")
            return answer

        return told

    def _reach(self, point: str) -> None:
        if point == self._point and not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def registry() -> Registry:
    """Made inside each host: an attempt dies where a file in its workspace says so."""
    original = migration_run.carry_out

    def told(work: Any) -> Any:
        order = work.folder.parents[2] / "workspace" / "die_at"
        if not order.exists():
            return original(work)
        point, write = order.read_text(), work.write
        return original(replace(work, write=lambda: Doomed(write(), point, order.with_name("died"))))

    migration_run.carry_out = told
    return Registry(group=None)


class MigrationStage(Stage):
    @property
    def files(self) -> Path:
        folder = self.workspace / "files"
        folder.mkdir(exist_ok=True)
        return folder

    def executor(self) -> ResidentExecutor:
        return ResidentExecutor(
            Registry(group=None),
            self.hosts,
            host_registry=f"{THIS}:registry",
            settings={"allow_loopback_requests": True, "objects_folder": str(self.folder / "obs"), **self.settings},
            environment=host_environment(),
        )

    def die_at(self, point: str) -> None:
        (self.workspace / "died").unlink(missing_ok=True)
        (self.workspace / "die_at").write_text(point)

    def migration(self, connections: tuple[Connection, ...] = (), **properties: str) -> Context:
        return replace(self.context(properties), connections={each.name: each for each in connections})

    def move(
        self, *connections: Connection, type_name: str = "DataMigration", **properties: str
    ) -> tuple[Outcome, str]:
        """Outcome and log of one attempt."""
        answers: list[tuple[Outcome, str]] = []

        async def scene() -> None:
            async with self.server() as server:
                context = self.migration(connections, **properties)
                outcome = await server.run(type_name, context)
                answers.append((outcome, log_of(context)))

        play(scene)
        return answers[0]
