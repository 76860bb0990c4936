"""Running SQL on a stage, for the tests of DLISQL."""

from __future__ import annotations

import json

from tests.executors.test_resident_kit import Stage, log_of, output_of, play

from arkwright.core.outcome import Outcome


def sql(stage: Stage, *statements: str, **properties: str) -> tuple[Outcome, str, str | None]:
    """Outcome, log and output of the last of some attempts, one after the other."""
    result: list[tuple[Outcome, str, str | None]] = []

    async def scene() -> None:
        async with stage.server() as server:
            for statement in statements:
                context = stage.context({"statement": statement, **properties})
                outcome = await server.run("dlisql", context)
                result.append((outcome, log_of(context), output_of(context, outcome)))

    play(scene)
    return result[-1]


def scalar(stage: Stage, query: str) -> str:
    outcome, log, output = sql(stage, query)
    assert output is not None, (outcome, log)
    return str(json.loads(output)[0][0])
