"""MRSFlink and DLIFlinkJob on a real Flink session cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.executors.test_resident_kit import log_of, play
from tests.nodes.migration_kit import MigrationStage
from tests.servers.flink import FlinkCluster

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Connection, Context
from arkwright.nodes.flink_job import SettingsWrong, job_id, read_settings
from arkwright.nodes.flink_mrs import MrsFlink

on_a_cluster = pytest.mark.long
"""Two JVMs have to start."""
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MigrationStage]:
    stage = MigrationStage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def cluster(flink: FlinkCluster, stage: MigrationStage) -> FlinkCluster:
    (stage.files / "tested.jar").write_bytes(flink.jar)
    return flink


def context_of(stage: MigrationStage, port: int, **properties: str) -> Context:
    connection = Connection(name="flink", type="FLINK", config={"ip": "127.0.0.1", "port": str(port)})
    made = stage.context({"resourcePath": "tested.jar", **properties})
    # each test has a workspace, whose nodes are its own
    return replace(made, connection=connection, workspace_id=f"{made.workspace_id}-{stage.folder.name}")


def run(stage: MigrationStage, context: Context, type_name: str = "MRSFlink") -> tuple[Any, str]:
    answers: list[Any] = []

    async def scene() -> None:
        async with stage.server() as server:
            answers.append(await server.run(type_name, context))

    play(scene)
    return answers[0], log_of(context)


@on_a_cluster
def test_a_batch_job_runs_to_its_end_and_leaves_no_jar(stage: MigrationStage, cluster: FlinkCluster) -> None:
    context = context_of(stage, cluster.port, arguments="batch 50", jobName="words", parallelism="1")
    outcome, log = run(stage, context)
    assert isinstance(outcome, Succeeded), log
    state = cluster.ask(f"/jobs/{job_id(context)}")["state"]
    assert (state, cluster.jars(), cluster.running()) == ("FINISHED", [], [])
    assert "FINISHED" in log


@on_a_cluster
def test_a_job_that_fails_tells_the_root_of_it(stage: MigrationStage, cluster: FlinkCluster) -> None:
    outcome, log = run(stage, context_of(stage, cluster.port, arguments="fail 5"))
    assert isinstance(outcome, Failed), log
    assert outcome.kind is FailureKind.ERROR
    assert "Division by zero" in outcome.message or "/ by zero" in outcome.message


@on_a_cluster
def test_a_program_that_refuses_its_arguments_fails_with_its_own_words(
    stage: MigrationStage, cluster: FlinkCluster
) -> None:
    outcome, log = run(stage, context_of(stage, cluster.port, arguments="refuse 'two words'"))
    assert isinstance(outcome, Failed), log
    assert "no such day" in outcome.message
    assert cluster.jars() == []


@on_a_cluster
def test_a_stream_is_started_once_goes_on_and_is_found_by_later_runs(
    stage: MigrationStage, cluster: FlinkCluster
) -> None:
    first = context_of(stage, cluster.port, arguments="stream", processType="stream", jobName="flow")
    try:
        outcome, log = run(stage, first, "DLIFlinkJob")
        assert isinstance(outcome, Succeeded), log
        assert cluster.running() == [job_id(first)]
        later = context_of(stage, cluster.port, arguments="stream", processType="stream")
        outcome, log = run(stage, later, "DLIFlinkJob")
        assert isinstance(outcome, Succeeded), log
        assert f"the job {job_id(first)} of this node is running" in log
        assert cluster.running() == [job_id(first)]
        asked = context_of(stage, cluster.port, jobType="existing", jobName="flow")
        outcome, _ = run(stage, asked, "DLIFlinkJob")
        assert outcome == Succeeded(message="The job 'flow' is running.")
    finally:
        stop_job(cluster, job_id(first))
    outcome, _ = run(stage, context_of(stage, cluster.port, jobType="existing", jobName="flow"), "DLIFlinkJob")
    assert isinstance(outcome, Failed)
    assert "does not run: it is CANCELED" in outcome.message


def stop_job(cluster: FlinkCluster, job: str) -> None:
    httpx2.patch(f"http://127.0.0.1:{cluster.port}/v1/jobs/{job}", params={"mode": "cancel"})
    ends(cluster)


def ends(cluster: FlinkCluster) -> None:
    """Until nothing runs on the cluster."""
    end = time.monotonic() + 20
    while cluster.running():
        assert time.monotonic() < end
        time.sleep(0.05)


@on_a_cluster
def test_an_attempt_that_is_taken_up_again_finds_its_job(stage: MigrationStage, cluster: FlinkCluster) -> None:
    """As in a host that follows one that died under way."""
    context = context_of(stage, cluster.port, arguments="batch 50")
    assert isinstance(run(stage, context)[0], Succeeded)
    lines: list[bytes] = []
    node = MrsFlink()
    node.configure({"allow_loopback_requests": True})
    outcome = asyncio.run(node.run(context, lines.append))
    assert isinstance(outcome, Succeeded), lines
    assert f"the job {job_id(context)} is there, FINISHED" in b"".join(lines).decode()


@on_a_cluster
def test_a_cluster_that_is_not_there_is_named(stage: MigrationStage, cluster: FlinkCluster) -> None:
    outcome, _ = run(stage, context_of(stage, 9, arguments="batch 1"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "Flink at 127.0.0.1:9 can't be asked" in outcome.message


@on_a_cluster
def test_a_jar_that_is_not_there_is_named(stage: MigrationStage, cluster: FlinkCluster) -> None:
    outcome, _ = run(stage, context_of(stage, cluster.port, resourcePath="obs://jobs/none.jar"))
    assert isinstance(outcome, Failed)
    assert "resourcePath obs://jobs/none.jar: there is no such file." in outcome.message


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "resourcePath is missing"),
        ({"resourcePath": "a.py"}, "is no .jar file"),
        ({"flinkJobType": "FLink SQL", "scriptName": "s"}, "SQL gateway"),
        ({"flinkJobType": "Flink COBOL"}, "it can be Flink JAR"),
        ({"jobType": "existing"}, "jobName is missing"),
        ({"resourcePath": "a.jar", "flinkJobProcessType": "often"}, "it can be batch or stream"),
        ({"resourcePath": "a.jar", "parallelism": "0"}, "whole number from 1"),
        ({"resourcePath": "a.jar", "arguments": "'open"}, "can't be taken apart"),
        ({"resourcePath": "a.jar", "programParameter": "-ytm 4096"}, "programParameter holds '-ytm 4096'"),
    ],
)
def test_settings_that_can_not_be_honoured_are_named(given: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsWrong, match=word.replace("(", r"\(")):
        read_settings(given, "batch")


def test_documented_settings_are_taken_over() -> None:
    given = {"clusterName": "c", "jobName": "j", "flinkJobType": "Flink JAR", "flinkJobProcessType": "stream",
             "resourcePath": "obs://b/x.jar", "input": "obs://in", "output": "obs://out", "arguments": "--a 'b c'",
             "programParameter": "-yD a.b=1|c.d=x=y"}  # fmt: skip
    job = read_settings(given, "batch")
    assert (job.name, job.path, job.stream) == ("j", "obs://b/x.jar", True)
    assert job.arguments == ("--a", "b c", "obs://in", "obs://out")
    assert job.configuration == {"a.b": "1", "c.d": "x=y"}
