"""Shell in a container of a real podman: what it sees, how it is stopped, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import Server, host_environment, log_of
from tests.nodes.conformance_kit import Case, holding, kill_its_server, nothing_left
from tests.nodes.conformance_kit import run as run_case
from tests.nodes.conformance_kit import stop as stop_case
from tests.nodes.hosted_kit import HostedStage
from tests.servers.containers import container_image  # noqa: F401

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors.local import LocalExecutor
from arkwright.nodes.base import SCRIPT_TEXT, Context
from arkwright.nodes.container_program import container_name
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits
from arkwright.nodes.registry import Registry

pytestmark = pytest.mark.long

SECRET = "Container-Masked-77"
HOG = "tail /dev/zero"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("container"))
    yield stage
    stage.close()


def context_of(stage: HostedStage, image: str, *, script: Script | None = None, **properties: str) -> Context:
    context = stage.context({"image": image, **properties}, script=script)
    context.workspace_folder.mkdir(parents=True, exist_ok=True)
    return replace(
        context,
        folder=stage.folder / "runs" / str(context.key),
        local_programs_allowed=True,
        parameters={"key": SECRET},
        secrets=(SECRET,),
        secret_places=frozenset({SCRIPT_TEXT} if script else ()),
    )


def case_of(**more: Any) -> Case:
    never: dict[str, str] = {}
    given = {"good": never, "bad": never, "slow": never, "lasting": never, "leak": never}
    return Case(
        **{"type": "Shell", "at_work": lambda context: "here" in log_of(context), "left": left, **given, **more}
    )


def left() -> int:
    said = subprocess.run(
        ["podman", "ps", "--all", "--quiet", "--filter", "name=arkwright-"], capture_output=True, text=True
    )
    return len(said.stdout.split())


def attached(
    stage: HostedStage, context: Context, limits: ProgramLimits = NO_LIMITS, *, fresh: bool = False
) -> Outcome:
    async def scene() -> Outcome:
        executor = LocalExecutor(Registry(group=None), root=stage.folder / "runs", limits_of=lambda _: limits)
        server = Server(executor)  # type: ignore[arg-type]
        await executor.open(server.finished)
        try:
            (executor.submit if fresh else executor.attach)("Shell", context)
            return await server.outcome(context)
        finally:
            await executor.close()

    return asyncio.run(scene())


def test_a_script_runs_in_the_image_with_the_workspaces_files_and_its_secret_is_in_no_file(
    stage: HostedStage,
    container_image: str,  # noqa: F811
) -> None:
    text = (
        f'echo "$1 in $PWD: $(ls / | head -3 | tail -1) {SECRET} $ARKWRIGHT_PARAM_KEY ${{#ARKWRIGHT_PARAM_KEY}}"\n'
        "cat /workspace/given; echo made > made; exit 3"
    )
    context = context_of(
        stage, container_image, script=Script(name="s", type="Shell", text=text, version=1), arguments="'a b'"
    )
    (context.workspace_folder / "given").write_text("from outside\n")
    outcome = run_case(stage, case_of(), context)
    assert isinstance(outcome, Failed), log_of(context)
    assert outcome.exit_code == 3, log_of(context)
    assert log_of(context) == f"a b in /work: dev ****** ****** {len(SECRET)}\nfrom outside\n"
    assert (context.folder / "work" / "made").read_text() == "made\n"
    assert holding(stage, context, SECRET) == []
    assert nothing_left(case_of()) == 0


def test_it_stops_within_two_seconds_and_its_container_is_gone(
    stage: HostedStage,
    container_image: str,  # noqa: F811
) -> None:
    context = context_of(stage, container_image, statement="trap '' TERM; echo here; sleep 300 & wait; sleep 300")
    outcome, seconds = stop_case(stage, case_of(), context)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CANCELLED
    assert seconds < 4.0  # its program has a second of its own; an engine under load takes another
    assert nothing_left(case_of()) == 0


def test_it_survives_kill_9_of_the_server(
    stage: HostedStage,
    container_image: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {**host_environment(), "CONTAINERS_CONF": os.environ["CONTAINERS_CONF"]}
    monkeypatch.setattr("tests.nodes.conformance_kit.host_environment", lambda: environment)
    context = context_of(stage, container_image, statement="echo here; sleep 2; echo there")
    kill_its_server(stage, case_of(), context)
    outcome = attached(stage, context)
    assert isinstance(outcome, Succeeded), log_of(context)
    assert log_of(context) == "here\nthere\n"
    assert nothing_left(case_of()) == 0


def test_what_a_killed_client_left_is_removed_by_the_next_attempt(
    stage: HostedStage,
    container_image: str,  # noqa: F811
) -> None:
    context = context_of(stage, container_image, statement="echo here; sleep 300")

    async def scene() -> None:
        executor = LocalExecutor(Registry(group=None), root=stage.folder / "runs")
        server = Server(executor)  # type: ignore[arg-type]
        await executor.open(server.finished)
        executor.submit("Shell", context)
        end = time.monotonic() + 30
        while "here" not in log_of(context):
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        os.killpg(int((context.folder / "child").read_text().split()[1]), signal.SIGKILL)
        outcome = await server.outcome(context)
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.LOST
        await executor.close()

    asyncio.run(scene())
    assert left() == 1
    key = replace(context.key, attempt=context.key.attempt + 1)
    again = replace(
        context,
        key=key,
        folder=stage.folder / "runs" / str(key),
        properties={**context.properties, "statement": "echo 2"},
    )
    assert container_name(context, context.key.attempt) != container_name(again, key.attempt)
    assert isinstance(attached(stage, again, fresh=True), Succeeded), log_of(again)
    assert nothing_left(case_of()) == 0


def test_over_its_memory_it_is_killed_and_it_is_said(stage: HostedStage, container_image: str) -> None:  # noqa: F811
    context = context_of(stage, container_image, statement=HOG, memoryMb="50")
    outcome = attached(stage, context, fresh=True)
    assert isinstance(outcome, Failed), log_of(context)
    if "memory" in log_of(context) and outcome.exit_code in (125, 126, 127):
        pytest.skip(f"the control groups here take no memory limit: {log_of(context)}")
    assert outcome.exit_code == 128 + signal.SIGKILL, log_of(context)
    assert "over its memory of 50 MB" in outcome.message, outcome
    assert nothing_left(case_of()) == 0


def test_an_image_that_is_not_there_is_an_error_in_the_engines_words(
    stage: HostedStage,
    container_image: str,  # noqa: F811
) -> None:
    context = context_of(stage, "localhost/arkwright-none:latest", statement="echo 1")
    outcome = attached(stage, context, fresh=True)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "arkwright-none" in outcome.message


@pytest.mark.parametrize(
    ("given", "named"),
    [({"image": "-bad"}, "image"), ({"network": "mine"}, "network"), ({"image": "", "network": "none"}, "network")],
)
def test_what_it_can_not_honour_is_refused_by_name(stage: HostedStage, given: dict[str, str], named: str) -> None:
    node: Any = Registry(group=None).find("Shell")
    refusal = node.check(context_of(stage, **{"image": "a:1", "statement": "true", **given}))
    assert refusal.kind is FailureKind.REFUSED
    assert named in refusal.message


def test_without_an_engine_it_is_refused_and_says_what_to_install(
    stage: HostedStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("podman") is None
    node: Any = Registry(group=None).find("Python")
    refusal = node.check(context_of(stage, "a:1", statement="print(1)"))
    assert "neither podman nor docker" in refusal.message
    assert "apt-get install podman" in refusal.message
