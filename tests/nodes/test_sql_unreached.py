"""SQL types whose servers no registry has (Trino, Impala): what can be tried of their clients without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.conformance_kit import Case, Silence, context_of, stop
from tests.nodes.hosted_kit import HostedStage
from tests.nodes.sql_kit import SqlStage

from arkwright.core.outcome import Failed, FailureKind
from arkwright.nodes.base import Connection

TYPES = {"MRSPrestoSQL": "PRESTO", "MRSHetuEngine": "TRINO", "MRSImpalaSQL": "IMPALA"}
PASSWORD = "Nobody-Pass-9"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("unreached"))
    yield stage
    stage.close()


def connection(kind: str, port: int) -> Connection:
    config: dict[str, Any] = {"ip": "127.0.0.1", "port": port, "userName": "ada", "password": PASSWORD}
    return Connection(name="far", type=kind, config=config)


@pytest.mark.parametrize("name", TYPES)
def test_a_server_that_is_not_there_is_named_without_the_password(name: str, tmp_path: Path) -> None:
    stage = SqlStage(tmp_path)
    try:
        outcome, log, _ = stage.run_sql(name, connection(TYPES[name], 9), "SELECT 1")
    finally:
        stage.close()
    assert isinstance(outcome, Failed), log
    assert outcome.kind is FailureKind.ERROR
    assert "127.0.0.1" in outcome.message
    assert PASSWORD not in outcome.message + log


@pytest.mark.parametrize("name", TYPES)
def test_a_server_that_never_answers_is_left_within_two_seconds(name: str, stage: HostedStage) -> None:
    silence = Silence()
    try:
        made = connection(TYPES[name], silence.port)
        given = {"statement": "SELECT 1"}
        case = Case(
            type=name, connection=made, good=given, bad=given, slow=given, lasting=given, leak=None,
            at_work=lambda _: silence.taken > 0, left=lambda: 0,
        )  # fmt: skip
        outcome, seconds = stop(stage, case, context_of(stage, case, given))
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.CANCELLED
        assert seconds < 2.0
    finally:
        silence.listener.close()
