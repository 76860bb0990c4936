"""MapReduce with Hadoop's own local runner: a jar that counts words, compiled here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import log_of
from tests.nodes.conformance_kit import any_case, run
from tests.nodes.hosted_kit import HostedStage

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Context
from arkwright.nodes.mapreduce import MapReduce

SECONDS = 100.0
"""A JVM on a busy machine."""


@pytest.fixture
def bare(tmp_path: Path) -> HostedStage:
    """Without files: what is refused, is refused before anybody looks at them."""
    return HostedStage(tmp_path)


@pytest.fixture
def stage(bare: HostedStage, words_jar: bytes) -> Iterator[HostedStage]:
    files = bare.workspace / "files"
    (files / "books").mkdir(parents=True)
    (files / "words.jar").write_bytes(words_jar)
    (files / "books" / "one.txt").write_text("a b a\n")
    (files / "books" / "two.txt").write_text("b a\n")
    yield bare
    bare.close()


def context_of(stage: HostedStage, **properties: str) -> Context:
    made = stage.context({"resourcePath": "words.jar", "input": "books", "output": "counted", **properties})
    return replace(made, folder=stage.folder / "runs" / str(made.key), local_programs_allowed=True)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_words_are_counted(stage: HostedStage) -> None:
    context = context_of(stage, jobName="counting", parameters="--quick 'two words'")
    outcome = run(stage, any_case("MapReduce", SECONDS), context)
    assert isinstance(outcome, Succeeded), log_of(context)
    assert (stage.workspace / "files" / "counted" / "part-r-00000").read_text() == "a\t3\nb\t2\n"
    assert "--quick two words books counted as counting" in log_of(context)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_job_whose_output_exists_fails_with_hadoops_own_words(stage: HostedStage) -> None:
    (stage.workspace / "files" / "counted").mkdir()
    context = context_of(stage, mainClass="Words")
    outcome = run(stage, any_case("MapReduce", SECONDS), context)
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
def test_what_can_not_be_honoured_is_refused(bare: HostedStage, given: dict[str, str], word: str) -> None:
    refused = MapReduce().check(context_of(bare, **given))
    assert refused is not None
    assert refused.kind is FailureKind.REFUSED
    assert word in refused.message


def test_it_runs_only_where_programs_may(bare: HostedStage) -> None:
    refused = MapReduce().check(replace(context_of(bare), local_programs_allowed=False))
    assert refused is not None
