"""Texts of programs as editors leave them, values that no process can be given, and what is said of colourful ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Outcome
from arkwright.nodes.python import Python
from arkwright.nodes.shell import Shell
from arkwright.testing.node_harness import NodeHarness

TOO_LONG = "x" * 200_000


@pytest.fixture
def shell(tmp_path: Path) -> NodeHarness:
    return NodeHarness(Shell(), tmp_path)


def refusal(outcome: Outcome | None) -> str:
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    return outcome.message


# -- typed on Windows


@pytest.mark.parametrize("first", ["", "#!/bin/bash\r\n", "#!/usr/bin/env bash\r\n"])
def test_a_script_typed_on_windows_runs_as_it_was_meant(shell: NodeHarness, first: str) -> None:
    text = f'{first}set -e\r\nx=5\r\nfor each in a b; do\r\n  echo "$each$x"\r\ndone\r\n'
    result = shell.run(statement=text)
    assert (result.output, result.log) == ("a5\nb5", "a5\nb5\n")


def test_a_carriage_return_among_plain_line_breaks_is_meant_and_stays(shell: NodeHarness) -> None:
    assert shell.run(statement="printf 'a\r\nb' | wc -c\n").output == "4"
    assert shell.run(statement="printf 'a\rb' | wc -c").output == "3"


def test_a_mark_of_the_byte_order_hides_no_interpreter(shell: NodeHarness, tmp_path: Path) -> None:
    assert shell.run(statement="\ufeff#!/bin/bash\necho ${BASH_VERSION:+bash}").output == "bash"
    assert NodeHarness(Python(), tmp_path / "python").run(statement="\ufeffprint(5)").output == "5"
    assert "nothing to run" in refusal(shell.run(statement="\ufeff \r\n").outcome)


def test_a_megabyte_of_script_runs(shell: NodeHarness) -> None:
    assert shell.run(statement=f"# {'x' * 1_000_000}\necho done").output == "done"


# -- what no process can be given


def test_an_argument_that_no_process_takes_is_refused_with_the_way_out(shell: NodeHarness) -> None:
    message = refusal(shell.run(statement="true", arguments=f"a {TOO_LONG}").outcome)
    assert "arguments" in message
    assert "200,000 bytes" in message
    assert "interactiveInput" in message


@pytest.mark.parametrize("value", [TOO_LONG, "a\0b"])
def test_a_parameter_that_no_environment_takes_fails_only_a_program_that_reads_it(
    shell: NodeHarness, value: str
) -> None:
    parameters = {"my-rows": value, "day": "Mo"}
    unused = shell.context({"statement": 'echo "$ARKWRIGHT_PARAM_DAY ${ARKWRIGHT_PARAM_MY:-}"'}, parameters=parameters)
    assert shell.run(unused).outcome == Succeeded(output="output")
    used = shell.context({"statement": 'echo "$ARKWRIGHT_PARAM_MY_ROWS"'}, parameters=parameters)
    message = refusal(shell.run(used).outcome)
    assert "'my-rows'" in message
    assert "ARKWRIGHT_PARAM_MY_ROWS" in message


# -- what is said of the end


def test_a_message_holds_neither_colours_nor_other_commands_to_a_terminal(shell: NodeHarness) -> None:
    outcome = shell.run(statement=r"printf '\033[1;31mno such\033[0m \007table\0\n'; exit 3").outcome
    assert isinstance(outcome, Failed)
    assert outcome.message == "Exit code 3. The log ends with: no such table"
