"""Masked parameters: a secret reaches the programs that need it, and nothing that is stored, logged or handed on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import PLACE, World, living, node, statuses
from tests.servers.database import contents, place_for

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.masking import MASK, holds_sealed
from arkwright.engine.engine import Engine
from arkwright.engine.vault import Vault
from arkwright.errors import SettingInvalid
from arkwright.executors.local import LocalExecutor
from arkwright.executors.resident import ResidentExecutor
from arkwright.iam.sealing import Sealer
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import Definition, DefinitionWrite, Kind

SECRET = 'tiger-"7"/kälte&42'
OVERRIDE = "given for this run: r0sebud!"


class Safe(World):
    """With a key file, and hosts for SQL nodes."""

    async def open(self) -> None:
        await self.store.real.open()
        registry = Registry()
        self.vault = Vault(Sealer(self.folders.data / "secret.key"))
        self.executor = LocalExecutor(registry, root=self.folders.runs, grace_seconds=0.5)
        self.engine = Engine(
            store=self.store.store(),
            clock=self.clock,
            folders=self.folders,
            registry=registry,
            executors={Work.PROGRAM: self.executor, Work.HOSTED: ResidentExecutor(registry, self.folders.hosts)},
            local_programs_allowed=lambda _: True,
            name="engine",
            vault=self.vault,
        )
        await self.engine.open()

    async def masked_job(self, name: str, nodes: list[dict[str, Any]], *more: dict[str, Any]) -> None:
        given = {"params": [{"name": "key", "value": SECRET, "masked": True}, *more]}
        document = self.vault.seal_document(PLACE.workspace_id, given, None)
        await self.job(name, nodes, **document)

    def output(self, state: Instance, name: str) -> str:
        reference = next(run.output for run in state.nodes if run.name == name)
        assert reference is not None
        return (self.folders.runs / reference).read_text()

    async def script(self, name: str, type_: str, text: str) -> Definition:
        body = {"name": name, "type": type_, "content": text}
        write = DefinitionWrite(
            name=name, category=type_, directory="/", body=body, submit=True, actor="tester", at_ms=0
        )
        return await self.store.real.create_definition(PLACE, Kind.SCRIPT, write)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def found_in(folder: Path, secret: str, data: Path | None = None) -> list[str]:
    """Files that hold the secret, in any of the forms it may take; and the database."""
    forms = [secret.encode(), secret.encode("unicode_escape"), secret.replace('"', '\\"').encode()]
    held = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    held["the database"] = contents(place_for(data or folder))
    assert b"tester" in held["the database"]
    return [where for where, found in held.items() if any(form in found for form in forms)]


async def again(world: World, state: Instance) -> Instance:
    await world.engine.restart(PLACE, state.id, by="me", operation_id="again")
    return await world.ended(state.id)


def message_of(state: Instance, name: str) -> str:
    return next(run.message or "" for run in state.nodes if run.name == name)


@in_loop
async def test_a_program_gets_the_secret_and_its_log_and_output_do_not(tmp_path: Path) -> None:
    length = len(SECRET.encode())
    async with living(Safe(tmp_path)) as world:
        await world.script(
            "in_text", "Shell", "printf 'text %s\\n' '${key}'; printf %s '${key}' | wc -c; cat <<E\n${key}\nE"
        )
        await world.script(
            "in_python", "Python", "import json, os\nprint(json.dumps({'a': os.environ['ARKWRIGHT_PARAM_KEY']}))"
        )
        await world.masked_job(
            "job",
            [
                node("text", scriptName="in_text"),
                node("python", "Python", scriptName="in_python"),
                node("environment", statement='echo "env $ARKWRIGHT_PARAM_KEY"; exit 3', failPolicy="IGNORE"),
            ],
        )
        state = await world.run("job")
        assert statuses(state) == {"text": "success", "python": "success", "environment": "fail"}, state
        assert world.log(state, "text").split() == ["text", MASK, str(length), MASK]
        assert world.log(state, "python") == f'{{"a": "{MASK}"}}\n'
        assert world.log(state, "environment") == f"env {MASK}\n"
        assert message_of(state, "environment") == f"Exit code 3. The log ends with: env {MASK}"
        assert world.output(state, "environment") == f"env {MASK}"
        attempt = await world.store.real.get_attempt(state.id, 0, 1)
        assert attempt is not None
        assert holds_sealed(str(attempt.request))
        events = await world.store.real.read_events(state.id)
        assert SECRET not in repr(events)
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_a_value_given_for_a_run_is_masked_as_the_jobs_own_is(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        await world.masked_job("job", [node("say", statement='echo "$ARKWRIGHT_PARAM_KEY"; env | wc -l')])
        state = await world.run("job", key=OVERRIDE, plain="not masked")
        assert world.log(state, "say").startswith(f"{MASK}\n")
        assert holds_sealed(state.parameters["key"])
        assert state.parameters["plain"] == "not masked"
        restarted = await again(world, state)
        assert world.log(restarted, "say").startswith(f"{MASK}\n")
    assert found_in(tmp_path, OVERRIDE) == []


@in_loop
async def test_a_secret_in_the_arguments_of_a_program_is_refused(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        await world.masked_job("job", [node("say", statement='echo "$1"', arguments="--key=${key}")])
        state = await world.run("job")
        assert state.status is InstanceStatus.FAIL
        assert "in the list of processes" in message_of(state, "say")
        assert "ARKWRIGHT_PARAM_" in message_of(state, "say")
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_no_process_has_the_secret_in_its_command_line(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        await world.script(
            "look",
            "Shell",
            "# ${key}\ncat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >$ARKWRIGHT_WORKSPACE_FOLDER/seen",
        )
        world.folders.workspace(PLACE.workspace_id).mkdir(parents=True)
        await world.masked_job("job", [node("look", scriptName="look")])
        state = await world.run("job")
        assert state.status is InstanceStatus.SUCCESS, state
        seen = (world.folders.workspace(PLACE.workspace_id) / "seen").read_text()
        assert "scrub_child" in seen
        assert SECRET not in seen
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_expressions_pass_a_secret_on_and_may_not_look_into_it(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        say = "echo '#{\"Bearer \" + Job.getParam(\"key\")}' '${header}'"
        await world.script("pass_on", "Shell", say)
        await world.script("look_into", "Shell", "echo '#{StringUtil.length(\"${key}\")}'")
        await world.masked_job(
            "job",
            [
                node("pass_on", scriptName="pass_on"),
                node("look_into", scriptName="look_into", failPolicy="IGNORE"),
                node(
                    "compare",
                    "Dummy",
                    after=["pass_on"],
                    conditions=[{"preNodeName": "pass_on", "expression": "#{Job.getParam('key') == 'x'}"}],
                    failPolicy="IGNORE",
                ),
            ],
            {"name": "header", "value": "#{'Basic ' + Job.getParam('key')}"},
        )
        state = await world.run("job")
        assert world.log(state, "pass_on") == f"Bearer {MASK} Basic {MASK}\n", state
        assert statuses(state) == {"pass_on": "success", "look_into": "fail", "compare": "fail"}
        assert "can't look into a masked parameter" in message_of(state, "look_into")
        assert "can't look into a masked parameter" in message_of(state, "compare")
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_sql_gets_the_secret_and_its_log_output_and_record_do_not(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        await world.script("ask", "DLISQL", "SELECT '${key}' AS said, length('${key}') AS n")
        await world.script("wrong", "DLISQL", "SELECT no_such_function('${key}')")
        await world.masked_job(
            "job",
            [node("ask", "DLISQL", scriptName="ask"), node("wrong", "DLISQL", scriptName="wrong", failPolicy="IGNORE")],
        )
        state = await world.run("job")
        assert statuses(state) == {"ask": "success", "wrong": "fail"}, state
        assert world.output(state, "ask") == f'[["{MASK}","{len(SECRET)}"]]'
        assert SECRET not in message_of(state, "wrong")
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_a_job_without_a_value_for_a_masked_parameter_says_so(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        document = world.vault.seal_document("w", {"params": [{"name": "key", "value": MASK, "masked": True}]}, None)
        await world.script("say", "Shell", "echo ${key}")
        await world.job("job", [node("say", scriptName="say")], **document)
        state = await world.run("job")
        assert state.status is InstanceStatus.FAIL
        assert "the masked parameter 'key' has no value here" in message_of(state, "say")
        assert (await world.run("job", key=OVERRIDE)).status is InstanceStatus.SUCCESS


@in_loop
async def test_a_secret_of_another_workspace_or_key_file_opens_nothing(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        foreign = world.vault.seal("another workspace", SECRET)
        await world.script("say", "Shell", "echo ${key}")
        await world.job("job", [node("say", scriptName="say")], params=[{"name": "key", "value": foreign}])
        state = await world.run("job")
        assert state.status is InstanceStatus.FAIL
        assert "in another workspace" in message_of(state, "say")


@in_loop
async def test_a_program_that_outlives_its_server_is_filtered_on(tmp_path: Path) -> None:
    go = tmp_path / "go"
    (tmp_path / "data").mkdir()
    world = Safe(tmp_path / "data")
    await world.open()
    wait = f"while [ ! -e {go} ]; do sleep 0.05; done"
    say = f'echo "first $ARKWRIGHT_PARAM_KEY"; {wait}; echo "then $ARKWRIGHT_PARAM_KEY"; exit 4'
    await world.masked_job("job", [node("say", statement=say, failPolicy="IGNORE")])
    accepted = await world.submit("job")
    state = await world.until(accepted.instance_id, lambda state: state.nodes and state.nodes[0].attempt)
    await world.logged(state, "say", "first")
    await world.close()
    go.touch()
    async with living(Safe(tmp_path / "data")) as later:
        state = await later.ended(accepted.instance_id)
        assert state.nodes[0].exit_code == 4
        assert later.log(state, "say") == f"first {MASK}\nthen {MASK}\n"
        assert later.output(state, "say") == f"first {MASK}\nthen {MASK}"
    assert found_in(tmp_path, SECRET, tmp_path / "data") == []


@in_loop
async def test_a_program_below_the_filter_is_stopped_as_any_other(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        await world.masked_job("job", [node("wait", statement='echo "begun $ARKWRIGHT_PARAM_KEY"; sleep 60')])
        accepted = await world.submit("job")
        state = await world.until(accepted.instance_id, lambda state: state.nodes and state.nodes[0].attempt)
        await world.logged(state, "wait", "begun")
        await world.engine.stop(PLACE, accepted.instance_id, by="me", operation_id="1")
        state = await world.ended(accepted.instance_id)
        assert statuses(state) == {"wait": "manual-stop"}
        assert state.nodes[0].exit_code == 128 + signal.SIGTERM


@in_loop
async def test_what_a_background_process_says_later_is_filtered_too(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        go = tmp_path / "go"
        later = f'(while [ ! -e {go} ]; do sleep 0.05; done; echo "later $ARKWRIGHT_PARAM_KEY") & echo now'
        await world.masked_job("job", [node("say", statement=later)])
        state = await world.run("job")
        assert state.status is InstanceStatus.SUCCESS
        assert world.log(state, "say") == "now\n"
        go.touch()
        await world.logged(state, "say", "later")
        await world.logged(state, "say", f"later {MASK}\n")
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_a_secret_that_is_handed_to_a_subjob_stays_one(tmp_path: Path) -> None:
    async with living(Safe(tmp_path)) as world:
        await world.job("child", [node("say", statement='echo "child $ARKWRIGHT_PARAM_P"')], params=[])
        await world.masked_job("parent", [node("run", "Subjob", jobName="child", params='{"p": "${key}"}')])
        state = await world.run("parent")
        assert state.status is InstanceStatus.SUCCESS, state
        folders = [path for path in world.folders.runs.rglob("log") if "child" in path.read_text()]
        assert [path.read_text() for path in folders] == [f"child {MASK}\n"]
    assert found_in(tmp_path, SECRET) == []


@in_loop
async def test_what_a_subjob_is_given_for_its_masked_parameter_is_sealed(tmp_path: Path) -> None:
    """The parent works it out; nobody marked it there."""
    given = '{"key": "#{StringUtil.reverse(\'91-dubesor\')}"}'
    async with living(Safe(tmp_path)) as world:
        await world.masked_job(
            "child", [node("say", statement='echo "child ${#ARKWRIGHT_PARAM_KEY} $ARKWRIGHT_PARAM_KEY"')]
        )
        await world.job("parent", [node("run", "Subjob", jobName="child", params=given)])
        state = await world.run("parent")
        assert state.status is InstanceStatus.SUCCESS, state
        folders = [path for path in world.folders.runs.rglob("log") if "child" in path.read_text()]
        assert [path.read_text() for path in folders] == [f"child 10 {MASK}\n"]
    assert found_in(tmp_path, "rosebud-19") == []


def test_a_document_is_sealed_once_and_a_mask_keeps_the_value(tmp_path: Path) -> None:
    vault = Vault(Sealer(tmp_path / "secret.key"))
    document = {"name": "j", "params": [{"name": "a", "value": "x", "masked": "true"}, {"name": "b", "value": "y"}]}
    stored = vault.seal_document("w", document, None)
    assert holds_sealed(stored["params"][0]["value"])
    assert stored["params"][1] == {"name": "b", "value": "y"}
    assert vault.seal_document("w", stored, None) == stored
    back = {"params": [{"name": "a", "value": MASK, "masked": True}]}
    assert vault.seal_document("w", back, stored)["params"][0]["value"] == stored["params"][0]["value"]
    assert vault.seal_document("w", back, None)["params"][0]["value"] == MASK
    plain = {"params": [{"name": "a", "value": "x"}]}
    assert vault.seal_document("w", plain, stored) is plain
    # What was readable before is no secret to keep: a mask does not bring it back.
    assert vault.seal_document("w", back, plain)["params"][0]["value"] == MASK


def test_what_is_opened_is_told(tmp_path: Path) -> None:
    vault = Vault(Sealer(tmp_path / "secret.key"))
    secrets: list[str] = []
    text = f"a {vault.seal('w', 'one')} b {vault.seal('w', 'two')} c {vault.seal('w', 'one')}"
    assert vault.open("w", text, secrets) == "a one b two c one"
    assert secrets == ["one", "two"]
    with pytest.raises(SettingInvalid, match="another key, or in another workspace"):
        vault.open("v", text, [])
