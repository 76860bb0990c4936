"""The Spark nodes on a real Spark (local mode, `pyspark` from PyPI). A JVM takes seconds to start, so there are few."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.executors.test_resident_kit import log_of
from tests.nodes.conformance_kit import any_case, holding
from tests.nodes.conformance_kit import run as run_case
from tests.nodes.hosted_kit import HostedStage
from tests.servers.spark import spark_home

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.nodes.base import SCRIPT_TEXT, Connection, Context
from arkwright.nodes.registry import Registry

SECRET = "Spark-Masked-77"
COUNT = """
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("count", spark.range(40).count(), sys.argv[1:], spark.conf.get("spark.sql.shuffle.partitions"))
print("${secret}", os.environ["ARKWRIGHT_PARAM_KEY"], len("${secret}"))
"""
SECONDS = 200.0
"""A JVM on a busy machine."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("spark"))
    yield stage
    stage.close()


def context_of(stage: HostedStage, *, script: Script | None = None, **properties: str) -> Context:
    context = stage.context({"clusterName": "local", **properties}, script=script)
    return replace(
        context,
        folder=stage.folder / "runs" / str(context.key),
        local_programs_allowed=True,
        parameters={"key": SECRET},
        secrets=(SECRET,),
        secret_places=frozenset({SCRIPT_TEXT} if script else ()),
    )


def run(stage: HostedStage, type_name: str, context: Context) -> Outcome:
    return run_case(stage, any_case(type_name, SECONDS), context)


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_script_runs_on_spark_and_its_secret_is_nowhere(stage: HostedStage) -> None:
    spark_home()
    text = COUNT.replace("${secret}", SECRET)
    script = Script(name="count", type="Python", text=text, version=1)
    context = context_of(
        stage, script=script, parameters='--day "2026 03"', programParameter="spark.sql.shuffle.partitions=3"
    )
    outcome = run(stage, "MRSSparkPython", context)
    log = log_of(context)
    assert isinstance(outcome, Succeeded), log
    assert "count 40 ['--day', '2026 03'] 3" in log
    assert f"****** ****** {len(SECRET)}" in log
    assert holding(stage, context, SECRET) == []


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_jar_comes_from_the_object_storage_and_a_failure_has_sparks_words(stage: HostedStage) -> None:
    jar = next((spark_home() / "jars").glob("spark-hive-thriftserver_*.jar"))
    stored = stage.folder / "obs" / "jars" / "tools" / "sql.jar"
    stored.parent.mkdir(parents=True)
    shutil.copy(jar, stored)
    context = context_of(
        stage,
        resourcePath="obs://jars/tools/sql.jar",
        jobClass="org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver",
        jarArgs='-e "SELECT 40 + 2; SELECT nothing FROM nowhere"',
        sparkConfig='{"spark.sql.catalogImplementation": "in-memory"}',
    )
    outcome = run(stage, "DLISpark", context)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert outcome.exit_code not in (0, None)
    log = log_of(context)
    assert "\n42\n" in log
    assert "TABLE_OR_VIEW_NOT_FOUND" in log


def test_an_object_that_is_missing_is_named_before_spark_starts(stage: HostedStage) -> None:
    spark_home()
    context = context_of(stage, resourcePath="obs://jars/none.jar")
    outcome = run(stage, "MRSSpark", context)
    assert isinstance(outcome, Failed)
    assert "none.jar" in outcome.message
    assert "WARN" not in log_of(context), "Spark was started"


GOOD: dict[str, dict[str, str]] = {
    "MRSSpark": {"resourcePath": "obs://jars/a.jar"},
    "MRSSparkPython": {"statement": "print(1)"},
    "DLISpark": {"resourcePath": "obs://jars/a.jar"},
}


@pytest.mark.parametrize(
    ("type_name", "given", "named"),
    [
        ("MRSSpark", {"clusterName": "big"}, "clusterName"),
        ("DLISpark", {"clusterName": "queue_1"}, "clusterName"),
        ("MRSSpark", {"resourcePath": ""}, "resourcePath"),
        ("MRSSpark", {"resourcePath": "obs://jars/"}, "resourcePath"),
        ("MRSSpark", {"programParameter": "--deploy-mode cluster"}, "programParameter"),
        ("MRSSpark", {"programParameter": "--master yarn"}, "programParameter"),
        ("MRSSpark", {"parameters": "'open"}, "parameters"),
        ("DLISpark", {"resourceType": "DLIResources"}, "resourceType"),
        ("DLISpark", {"sparkConfig": "{no json"}, "sparkConfig"),
        ("MRSSparkPython", {"statement": ""}, "scriptName"),
        ("MRSSparkPython", {"resourcePath": "a.py"}, "resourcePath"),
        ("MRSSparkPython", {"memoryMb": "lots"}, "memoryMb"),
    ],
)
def test_what_it_can_not_honour_is_refused_by_name(
    stage: HostedStage, type_name: str, given: dict[str, str], named: str
) -> None:
    refusal = check(stage, type_name, **{**GOOD[type_name], **given})
    assert refusal is not None
    assert refusal.kind is FailureKind.REFUSED
    assert named in refusal.message


def check(stage: HostedStage, type_name: str, connection: Connection | None = None, **properties: str) -> Failed | None:
    spark_home()
    node: Any = Registry(group=None).find(type_name)
    found = node.check(replace(context_of(stage, **properties), connection=connection))
    assert found is None or isinstance(found, Failed)
    return found


def test_a_cluster_is_taken_from_a_connection_that_says_its_master(stage: HostedStage) -> None:
    spark_home()
    connection = Connection(name="c", type="SparkSQL", config={"master": "spark://10.0.0.5:7077"})
    given = {"clusterName": "big", "resourcePath": "obs://jars/a.jar", "queue": "night"}
    assert check(stage, "MRSSpark", connection, **given) is None
    silent = check(stage, "MRSSpark", replace(connection, config={}), **given)
    assert silent is not None
    assert "no master" in silent.message
    node: Any = Registry(group=None).find("MRSSpark")
    program = node.program(replace(context_of(stage, **given), connection=connection))
    assert b'"--master","spark://10.0.0.5:7077"' in program.hidden
    assert b'"--queue","night"' in program.hidden


def test_nothing_of_it_is_in_a_workspace_without_programs(stage: HostedStage) -> None:
    spark_home()
    node: Any = Registry(group=None).find("MRSSparkPython")
    refusal = node.check(replace(context_of(stage, statement="print(1)"), local_programs_allowed=False))
    assert "not allowed in this workspace" in refusal.message


def test_arguments_with_a_secret_are_refused(stage: HostedStage) -> None:
    spark_home()
    node: Any = Registry(group=None).find("MRSSpark")
    context = context_of(stage, resourcePath="obs://jars/a.jar", parameters=SECRET)
    refusal = node.check(replace(context, secret_places=frozenset({"parameters"})))
    assert "masked parameter" in refusal.message
    assert SECRET not in refusal.message
