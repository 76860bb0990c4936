"""SQL types whose servers no registry has (Trino, Impala): what they say of one that is not there.

What else can be tried of their clients without a server, the conformance suite tries.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.nodes.sql_kit import SqlStage

from arkwright.core.outcome import Failed, FailureKind
from arkwright.nodes.base import Connection

TYPES = {"MRSPrestoSQL": "PRESTO", "MRSHetuEngine": "TRINO", "MRSImpalaSQL": "IMPALA"}
PASSWORD = "Nobody-Pass-9"


@pytest.mark.parametrize("name", TYPES)
def test_a_server_that_is_not_there_is_named_without_the_password(name: str, tmp_path: Path) -> None:
    stage = SqlStage(tmp_path)
    config: dict[str, Any] = {"ip": "127.0.0.1", "port": 9, "userName": "ada", "password": PASSWORD}
    try:
        outcome, log, _ = stage.run_sql(name, Connection(name="far", type=TYPES[name], config=config), "SELECT 1")
    finally:
        stage.close()
    assert isinstance(outcome, Failed), log
    assert outcome.kind is FailureKind.ERROR
    assert "127.0.0.1" in outcome.message
    assert PASSWORD not in outcome.message + log
