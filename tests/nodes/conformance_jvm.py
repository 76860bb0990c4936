"""Cases of the conformance suite on engines that start a JVM, each once for all tests of a process."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.nodes.conformance_cases import said
from tests.nodes.conformance_kit import SECRET, Case, connections_to, processes, programs_of
from tests.nodes.hosted_kit import HostedStage
from tests.servers.flink import FlinkCluster
from tests.servers.spark import QUICK, QUICK_JAVA, ThriftServer, spark_home

from arkwright.nodes.base import Connection
from arkwright.nodes.sql_hive import LINGER_SECONDS

COUNT = "SELECT count(*) FROM range(0, {}, 1, 1) WHERE id % 7 = 3"
SECONDS = 400.0
"""A JVM on a busy machine."""
QUICKER = f"spark.driver.extraJavaOptions={' '.join(QUICK)}"
SCRIPT = """
import sys, time
from pyspark.sql import SparkSession
if sys.argv[1] == "bad":
    sys.exit(3)
spark = SparkSession.builder.getOrCreate()
print("here", spark.range(40).count(), flush=True)
if sys.argv[1] == "slow":
    spark.sparkContext.parallelize([1]).foreach(lambda each: __import__("time").sleep(300))
"""


def _thrift(request: pytest.FixtureRequest, name: str, kind: str) -> Case:
    server: ThriftServer = request.getfixturevalue("thrift_server")
    config = {"ip": "127.0.0.1", "port": server.port, "userName": server.user, "password": server.password}
    return Case(
        type=name,
        connection=Connection(name="hive", type=kind, config=config),
        good={"statement": "SELECT 5"},
        bad={"statement": "SELECT nothing FROM nowhere"},
        slow={"statement": COUNT.format(10**13)},
        at_work=said("[1/1]"),
        left=lambda: connections_to(server.port),
        lingers=LINGER_SECONDS,
        lasting={"statement": COUNT.format(10**7)},
        leak={"script": f"SELECT '{SECRET}'"},
        script_type=name,
    )


def hivesql(request: pytest.FixtureRequest) -> Case:
    return _thrift(request, "HiveSQL", "HIVE")


def sparksql(request: pytest.FixtureRequest) -> Case:
    return _thrift(request, "SparkSQL", "SparkSQL")


def sparksql_on_this_host(request: pytest.FixtureRequest) -> Case:
    """Its Spark stays for the next one, so what is left is what is more than one; that a statement stops is seen by
    the next, too."""
    spark_home()
    stage: HostedStage = request.getfixturevalue("stage")
    stage.environment = {**stage.environment, **QUICK_JAVA}
    return Case(
        type="SparkSQL",
        connection=Connection(name="own", type="SparkSQL", config={"master": "local"}),
        good={"statement": "SELECT 5"},
        bad={"statement": "SELECT nothing FROM nowhere"},
        slow={"statement": COUNT.format(10**13)},
        at_work=said("[1/1]"),
        left=lambda: max(0, processes(f"{stage.workspace}/spark/warehouse") - 1),
        lasting={"statement": COUNT.format(10**7)},
        leak={"script": f"SELECT '{SECRET}'"},
        script_type="SparkSQL",
        seconds=SECONDS,
    )


def _program(request: pytest.FixtureRequest, name: str, settings: Callable[[str], Mapping[str, str]]) -> Case:
    """`settings` of a program that is told: good, bad or slow."""
    stage: HostedStage = request.getfixturevalue("stage")
    return Case(
        type=name,
        good=settings("good"),
        bad=settings("bad"),
        slow=settings("slow"),
        at_work=said("here"),
        left=lambda: programs_of(stage),
        lasting=settings("good"),
        leak={**settings("good"), "jobName": SECRET},
        leaks_as="Refused",
        seconds=SECONDS,
    )


def _bring(request: pytest.FixtureRequest, name: str, jar: bytes) -> Path:
    """A jar among the workspace's files, which are in the folder that is returned."""
    stage: HostedStage = request.getfixturevalue("stage")
    files = stage.workspace / "files"
    files.mkdir(exist_ok=True)
    (files / name).write_bytes(jar)
    return files


def mrssparkpython(request: pytest.FixtureRequest) -> Case:
    spark_home()
    case = _program(
        request,
        "MRSSparkPython",
        lambda word: {"clusterName": "local", "statement": SCRIPT, "parameters": word, "programParameter": QUICKER},
    )
    leak = {"clusterName": "local", "script": f"print('{SECRET}')", "programParameter": QUICKER}
    return replace(case, leak=leak, leaks_as="Succeeded", script_type="Python")


def mrsspark(request: pytest.FixtureRequest) -> Case:
    _bring(request, "tested.jar", request.getfixturevalue("spark_jar"))

    def settings(word: str) -> Mapping[str, str]:
        named = {"resourcePath": "files/tested.jar", "jobClass": "Tested", "parameters": word}
        return {"clusterName": "local", **named, "programParameter": QUICKER}

    return _program(request, "MRSSpark", settings)


def dlispark(request: pytest.FixtureRequest) -> Case:
    _bring(request, "tested.jar", request.getfixturevalue("spark_jar"))

    def settings(word: str) -> Mapping[str, str]:
        named = {"resourcePath": "files/tested.jar", "jobClass": "Tested", "jarArgs": word}
        return {"clusterName": "local", **named, "sparkConfig": QUICKER}

    return _program(request, "DLISpark", settings)


def mapreduce(request: pytest.FixtureRequest) -> Case:
    files = _bring(request, "words.jar", request.getfixturevalue("words_jar"))
    for name, text in (("good", "a b a"), ("slow", "wait"), ("bad", "a")):
        (files / name).mkdir(exist_ok=True)
        (files / name / "one.txt").write_text(text)

    def settings(word: str) -> Mapping[str, str]:
        output = word if word == "bad" else f"{word}-{uuid.uuid4().hex}"  # it refuses one that exists
        return {"resourcePath": "words.jar", "input": word, "output": output}

    return _program(request, "MapReduce", settings)


def _flink(request: pytest.FixtureRequest, name: str) -> Case:
    cluster: FlinkCluster = request.getfixturevalue("flink")
    _bring(request, "tested.jar", cluster.jar)

    def settings(arguments: str) -> Mapping[str, str]:
        mode = {"processType": "batch"} if name == "DLIFlinkJob" else {}
        return {"resourcePath": "tested.jar", "arguments": arguments, **mode}

    config = {"ip": "127.0.0.1", "port": str(cluster.port)}
    return Case(
        type=name,
        connection=Connection(name="flink", type="FLINK", config=config),
        good=settings("batch 5"),
        bad=settings("fail 5"),
        slow=settings("batch 100000000"),
        at_work=said("RUNNING"),
        left=lambda: len(cluster.running()) + len(cluster.jars()),
        lasting=settings("batch 100"),
        leak=settings(f"batch 5 {SECRET}"),
        seconds=SECONDS,
    )


def mrsflink(request: pytest.FixtureRequest) -> Case:
    return _flink(request, "MRSFlink")


def dliflinkjob(request: pytest.FixtureRequest) -> Case:
    return _flink(request, "DLIFlinkJob")


CASES = {
    "DLIFlinkJob": (dliflinkjob,),
    "DLISpark": (dlispark,),
    "HiveSQL": (hivesql,),
    "MapReduce": (mapreduce,),
    "MRSFlink": (mrsflink,),
    "MRSSpark": (mrsspark,),
    "MRSSparkPython": (mrssparkpython,),
    "SparkSQL": (sparksql, sparksql_on_this_host),
}
