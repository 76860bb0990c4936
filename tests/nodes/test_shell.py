"""The Shell node: what it runs, what it refuses, what it leaves."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.executors.local import LocalExecutor
from arkwright.nodes import program_environment
from arkwright.nodes.base import AttemptKey, Outcome
from arkwright.nodes.program_environment import allowed
from arkwright.nodes.program_script import MAX_TEXT_BYTES, log_tail
from arkwright.nodes.registry import Registry
from arkwright.nodes.shell import Shell
from arkwright.testing.node_harness import NodeHarness


@pytest.fixture
def shell(tmp_path: Path) -> NodeHarness:
    return NodeHarness(Shell(), tmp_path)


def script(text: str, **fields: str) -> Script:
    return Script(name="s", text=text, version=1, **{"type": "Shell", **fields})  # type: ignore[arg-type]


def refusal(outcome: Outcome | None) -> str:
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    return outcome.message


def test_a_statement_runs_and_its_output_is_known(shell: NodeHarness) -> None:
    result = shell.run(statement="echo 5")
    assert result.outcome == Succeeded(output="output")
    assert (result.output, result.log) == ("5", "5\n")


def test_it_runs_through_the_executor_and_names_its_output(shell: NodeHarness, tmp_path: Path) -> None:
    context = shell.context({"statement": "echo $ARKWRIGHT_PARAM_A"}, parameters={"a": "x y"})

    async def scene() -> Outcome:
        executor = LocalExecutor(Registry(group=None), root=tmp_path / "runs")
        ended: asyncio.Future[tuple[AttemptKey, Outcome]] = asyncio.get_running_loop().create_future()
        await executor.open(lambda key, outcome: ended.set_result((key, outcome)))
        executor.submit("Shell", context)
        key, outcome = await asyncio.wait_for(ended, 30)
        await executor.close()
        assert key == context.key
        return outcome

    assert asyncio.run(scene()) == Succeeded(output="output")
    assert (context.folder / "output").read_text() == "x y"


def test_a_script_runs_with_arguments_split_as_a_shell_splits(shell: NodeHarness) -> None:
    context = shell.context(
        {"scriptName": "s", "arguments": r"""one 'two words' "it's" a\ b '' '$HOME' *"""},
        script=script('for a in "$@"; do echo "[$a]"; done'),
    )
    assert shell.run(context).output == "[one]\n[two words]\n[it's]\n[a b]\n[]\n[$HOME]\n[*]"


def test_arguments_that_can_not_be_split_are_refused(shell: NodeHarness) -> None:
    assert "no closing quotation" in refusal(shell.run(statement="true", arguments="'open").outcome)


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("echo", ("/bin/sh",)),
        ("#!/bin/bash\necho", ("/bin/bash",)),
        ("#!/bin/bash\r\necho", ("/bin/bash",)),
        ("#! /usr/bin/env  python3 -u\n", ("/usr/bin/env", "python3 -u")),
        ("#!\necho", ("/bin/sh",)),
        ("# !/bin/bash", ("/bin/sh",)),
    ],
)
def test_the_first_line_names_the_interpreter_as_the_kernel_reads_it(text: str, argv: tuple[str, ...]) -> None:
    assert Shell().interpreter(text, {}) == argv


def test_a_shebang_is_honoured(shell: NodeHarness) -> None:
    result = shell.run(statement="#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])", arguments="a 'b c'")
    assert result.output == "['a', 'b c']"


def test_a_missing_interpreter_is_explained(shell: NodeHarness, tmp_path: Path) -> None:
    context = shell.context({"statement": "#!/no/such/interpreter\n"})

    async def scene() -> Outcome:
        executor = LocalExecutor(Registry(group=None), root=tmp_path / "runs")
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        await executor.open(lambda key, outcome: ended.set_result(outcome))
        executor.submit("Shell", context)
        outcome = await asyncio.wait_for(ended, 30)
        await executor.close()
        return outcome

    outcome = asyncio.run(scene())
    assert isinstance(outcome, Failed)
    assert outcome.exit_code == 127
    assert "not found" in outcome.message
    assert "/no/such/interpreter" in outcome.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "Exit code 1. The log ends with: because"),
        (126, "can't be executed"),
        (127, "was not found"),
        (137, "signal 9, SIGKILL; killed from outside, or out of memory"),
        (143, "signal 15, SIGTERM"),
        (255, "Exit code 255."),
    ],
)
def test_a_failure_says_the_code_in_words_and_the_last_line(shell: NodeHarness, code: int, words: str) -> None:
    result = shell.run(statement=f"echo because; exit {code}")
    assert isinstance(result.outcome, Failed)
    assert (result.outcome.kind, result.outcome.exit_code) == (FailureKind.ERROR, code)
    assert words in result.outcome.message
    assert result.output == "because"


def test_the_output_is_the_last_4000_characters_of_both_streams(shell: NodeHarness) -> None:
    result = shell.run(statement="seq 1 5000; echo err >&2")
    assert result.output is not None
    assert result.output == result.log[-4000:].removesuffix("\n")
    assert result.output.endswith("4999\n5000\nerr")


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("printf 'a\\n\\n'", "a\n"),
        ("printf 'a\\r\\n'", "a"),
        ("printf ' a '", " a "),
        ("printf 'a\\377b'", "a�b"),
        ("printf '日本\\n'", "日本"),
    ],
)
def test_exactly_one_line_break_at_the_end_is_left_out(shell: NodeHarness, text: str, output: str) -> None:
    assert shell.run(statement=text).output == output


def test_a_program_that_writes_nothing_has_no_output(shell: NodeHarness) -> None:
    assert shell.run(statement="true").outcome == Succeeded()


@pytest.mark.parametrize("shift", range(4))
def test_a_tail_begins_at_a_whole_character(tmp_path: Path, shift: int) -> None:
    log = tmp_path / "log"
    log.write_text("x" * shift + "🦆" * 6000, encoding="utf-8")
    assert log_tail(log) == "🦆" * 4000
    assert log_tail(tmp_path / "missing") == ""


@pytest.mark.parametrize("value", ["", "local", " local "])
def test_the_connection_local_or_none_means_this_host(shell: NodeHarness, value: str) -> None:
    assert shell.run(statement="true", connectionName=value).outcome == Succeeded()


@pytest.mark.parametrize(
    "name", ["connectionName", "hostConnection", "host", "agentName", "clusterName", "queueName", "Queue"]
)
def test_a_setting_that_asks_for_another_place_is_refused_by_name(shell: NodeHarness, name: str) -> None:
    message = refusal(shell.run(statement="true", **{name: "somewhere"}).outcome)
    assert name in message
    assert "somewhere" in message


def test_only_a_connection_can_be_local(shell: NodeHarness) -> None:
    assert "queueName" in refusal(shell.run(statement="true", queueName="local").outcome)


def test_interactive_input_is_what_the_program_reads(shell: NodeHarness) -> None:
    run = shell.run(statement='read a; read b; echo "$b $a"; cat', interactiveInput="yes\nä no\nrest")
    assert run.log == "ä no yes\nrest\n"


def test_without_interactive_input_there_is_nothing_to_read(shell: NodeHarness) -> None:
    assert shell.run(statement="cat; echo end").log == "end\n"


def test_two_interactive_inputs_are_refused(shell: NodeHarness) -> None:
    message = refusal(shell.run(statement="true", interactiveInput="a", stdin="b").outcome)
    assert "interactiveInput and stdin" in message


def test_a_scripts_connection_counts_too_unless_the_node_says_local(shell: NodeHarness) -> None:
    remote = script("true", connection_name="far-away")
    assert "far-away" in refusal(shell.run(shell.context({"scriptName": "s"}, script=remote)).outcome)
    local = shell.context({"scriptName": "s", "connectionName": "local"}, script=remote)
    assert shell.run(local).outcome == Succeeded()
    plain = shell.context({"scriptName": "s"}, script=script("true", connection_name="local"))
    assert shell.run(plain).outcome == Succeeded()


def test_without_permission_nothing_runs_and_the_message_says_who_can_help(shell: NodeHarness) -> None:
    context = shell.context({"statement": "true"}, local_programs_allowed=False)
    message = refusal(shell.run(context).outcome)
    assert "administrator" in message
    assert "default" in message


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({}, "nothing to run"),
        ({"statement": " \n"}, "nothing to run"),
        ({"scriptName": "gone"}, "no script 'gone'"),
        ({"scriptName": "s", "statement": "true"}, "Both"),
        ({"statement": "a\0b"}, "NUL"),
        ({"statement": "true", "arguments": "a\0b"}, "NUL"),
        ({"statement": "#" * (MAX_TEXT_BYTES + 1)}, "longer than"),
    ],
)
def test_what_can_not_be_run_is_refused(shell: NodeHarness, properties: dict[str, str], words: str) -> None:
    assert words in refusal(shell.node.check(shell.context(properties)))


def test_a_script_of_another_type_is_refused(shell: NodeHarness) -> None:
    context = shell.context({"scriptName": "s"}, script=script("select 1", type="DLISQL"))
    assert "DLISQL" in refusal(shell.run(context).outcome)


def test_the_environment_is_clean_and_names_the_run(shell: NodeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"ARKWRIGHT_ADMIN_PASSWORD": "secret", "DATABASE_URL": "secret"}
    server = allowed({**secret, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/home/somebody"})
    monkeypatch.setattr(program_environment, "SERVERS", server)
    context = shell.context({"statement": "env"}, parameters={"day-of.week": "Mo", "ä": "umlaut", "n": "two\nlines"})
    environment = dict(line.split("=", 1) for line in shell.run(context).log.splitlines() if "=" in line)
    assert "secret" not in environment.values()
    assert environment["LC_ALL"] == "C.UTF-8"
    assert environment["HOME"] == "/home/somebody"
    assert environment["ARKWRIGHT_PARAM_DAY_OF_WEEK"] == "Mo"
    assert environment["ARKWRIGHT_PARAM__"] == "umlaut"
    assert environment["ARKWRIGHT_PARAM_N"] == "two"
    assert environment["ARKWRIGHT_JOB"] == "job"
    assert environment["ARKWRIGHT_NODE"] == "node"
    assert environment["ARKWRIGHT_INSTANCE_ID"] == "1"
    assert environment["ARKWRIGHT_ATTEMPT"] == "1"
    assert environment["ARKWRIGHT_PLAN_TIME"] == "1700000000000"
    assert environment["ARKWRIGHT_WORKSPACE_FOLDER"] == str(context.workspace_folder)


def test_parameters_that_meet_in_one_variable_do_not_depend_on_their_order(shell: NodeHarness) -> None:
    node = Shell()
    for names in (("a-b", "A_B"), ("A_B", "a-b")):
        context = shell.context({"statement": "true"}, parameters={name: name for name in names})
        assert node.program(context).environment["ARKWRIGHT_PARAM_A_B"] == "a-b"


def test_a_script_that_writes_a_file_called_log_spoils_nothing(shell: NodeHarness) -> None:
    result = shell.run(statement="echo to the log; echo to a file >log; echo x >output; cat log")
    assert result.log == "to the log\nto a file\n"
    assert result.output == "to the log\nto a file"
    assert (result.folder / "work" / "log").exists()


def test_the_text_of_a_script_is_not_seen_by_other_users(shell: NodeHarness, tmp_path: Path) -> None:
    context = shell.context({"statement": "echo 'my secret' >/dev/null"})
    program = Shell().program(context)
    assert not any("secret" in part for part in program.argv)


def test_a_text_with_carriage_returns_and_odd_characters_is_kept_as_it_is(shell: NodeHarness) -> None:
    assert shell.run(statement="printf '%s' 'ä\u2028日'").output == "ä\u2028日"
