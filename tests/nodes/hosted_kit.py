"""The stage for hosted nodes with a connection: real hosts, one attempt at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.executors.test_resident_kit import Stage, host_environment, log_of, output_of, play

from arkwright.core.outcome import Outcome
from arkwright.executors.resident import ResidentExecutor
from arkwright.nodes.base import Connection, Context
from arkwright.nodes.registry import BUILT_IN, Registry


class HostedStage(Stage):
    secrets: dict[str, Any]
    environment: Mapping[str, str] = host_environment()

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.settings |= {"objects_folder": str(self.folder / "obs"), "allow_loopback_requests": True}
        self.secrets = {}

    def executor(self) -> ResidentExecutor:
        return ResidentExecutor(
            Registry(group=None),
            self.hosts,
            host_registry="arkwright.nodes.registry:Registry",
            settings=self.settings,
            secrets=self.secrets,
            own_addresses=self.own,
            environment=self.environment,
        )

    def on(self, connection: Connection | None, properties: dict[str, str], *secrets: str) -> Context:
        return replace(self.context(properties), connection=connection, secrets=secrets)

    def ask(
        self, type_name: str, connection: Connection | None = None, **properties: str
    ) -> tuple[Outcome, str, str | None]:
        """Outcome, log and output of one attempt."""
        assert any(each.name.lower() == type_name.lower() for each in BUILT_IN)
        answers: list[tuple[Outcome, str, str | None]] = []

        async def scene() -> None:
            async with self.server() as server:
                context = self.on(connection, properties)
                outcome = await server.run(type_name, context)
                answers.append((outcome, log_of(context), output_of(context, outcome)))

        play(scene)
        return answers[0]
