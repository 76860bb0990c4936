"""MapReduce with Hadoop's own local runner: a jar that counts words, compiled here."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import log_of
from tests.nodes.conformance_kit import Case, run
from tests.nodes.hosted_kit import HostedStage
from tests.servers.spark import spark_home

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Context
from arkwright.nodes.mapreduce import MapReduce

SOURCE = Path(__file__).parent / "words" / "Words.java"


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    home, compiler = spark_home(), shutil.which("javac")
    if compiler is None:
        pytest.skip("a Java compiler is not installed (on Debian: apt-get install default-jdk-headless)")
    folder = tmp_path_factory.mktemp("words")
    done = subprocess.run(
        [compiler, "-cp", f"{home}/jars/*", "-d", str(folder), str(SOURCE)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / "words.jar", "w") as made:
        made.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: Words\n")
        for each in folder.glob("*.class"):
            made.write(each, each.name)
    return (folder / "words.jar").read_bytes()


@pytest.fixture
def stage(tmp_path: Path, jar: bytes) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path)
    files = stage.workspace / "files"
    (files / "books").mkdir(parents=True)
    (files / "words.jar").write_bytes(jar)
    (files / "books" / "one.txt").write_text("a b a\n")
    (files / "books" / "two.txt").write_text("b a\n")
    yield stage
    stage.close()


def context_of(stage: HostedStage, **properties: str) -> Context:
    made = stage.context({"resourcePath": "words.jar", "input": "books", "output": "counted", **properties})
    return replace(made, folder=stage.folder / "runs" / str(made.key), local_programs_allowed=True)


def case(context: Context) -> Case:
    given = context.properties
    return Case(
        type="MapReduce", good=given, bad=given, slow=given, lasting=given, leak=None,
        at_work=lambda _: True, left=lambda: 0,
    )  # fmt: skip


def test_words_are_counted(stage: HostedStage) -> None:
    context = context_of(stage, jobName="counting", parameters="--quick 'two words'")
    outcome = run(stage, case(context), context)
    assert isinstance(outcome, Succeeded), log_of(context)
    assert (stage.workspace / "files" / "counted" / "part-r-00000").read_text() == "a\t3\nb\t2\n"
    assert "--quick two words books counted as counting" in log_of(context)


def test_a_job_whose_output_exists_fails_with_hadoops_own_words(stage: HostedStage) -> None:
    (stage.workspace / "files" / "counted").mkdir()
    context = context_of(stage, mainClass="Words")
    outcome = run(stage, case(context), context)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "already exists" in log_of(context)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"clusterName": "mrs-1"}, "Run `yarn jar` on a host of it"),
        ({"resourcePath": ""}, "resourcePath is missing"),
        ({"resourcePath": "words.py"}, "is no .jar file"),
        ({"parameters": "'open"}, "can't be split"),
    ],
)
def test_what_can_not_be_honoured_is_refused(stage: HostedStage, given: dict[str, str], word: str) -> None:
    refused = MapReduce().check(context_of(stage, **given))
    assert refused is not None
    assert refused.kind is FailureKind.REFUSED
    assert word in refused.message


def test_it_runs_only_where_programs_may(stage: HostedStage) -> None:
    refused = MapReduce().check(replace(context_of(stage), local_programs_allowed=False))
    assert refused is not None
