"""The Python node: Shell's rules with another interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes import program_environment
from arkwright.nodes.python import Python
from arkwright.testing.node_harness import NodeHarness


@pytest.fixture
def python(tmp_path: Path) -> NodeHarness:
    return NodeHarness(Python(), tmp_path)


def test_a_script_runs_with_its_arguments_and_parameters(python: NodeHarness) -> None:
    text = "import os, sys\nprint(sys.argv[1:], os.environ['ARKWRIGHT_PARAM_AAA'])"
    script = Script(name="s", type="PYTHON", text=text, version=1)
    context = python.context({"scriptName": "s", "arguments": "1 'b c'"}, script=script, parameters={"aaa": "111"})
    result = python.run(context)
    assert result.outcome == Succeeded(output="output")
    assert result.output == "['1', 'b c'] 111"


def test_an_exception_fails_the_node_and_its_last_line_is_in_the_message(python: NodeHarness) -> None:
    outcome = python.run(statement="raise ValueError('no such day')").outcome
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.exit_code) == (FailureKind.ERROR, 1)
    assert "ValueError: no such day" in outcome.message


def test_it_runs_unbuffered_and_in_its_own_working_folder(python: NodeHarness) -> None:
    text = "import os, sys\nprint(sys.stdout.write_through, os.path.basename(os.getcwd()))"
    assert python.run(statement=text).output == "True work"


def test_without_python_on_the_path_the_servers_own_is_used(
    python: NodeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(program_environment.SERVERS, "PATH", "/nowhere")
    assert python.run(statement="print('hello')").output == "hello"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"statement": "pass", "connectionName": "far"}, "connectionName"),
        ({"statement": "pass", "arguments": '"'}, "can't be split"),
        ({}, "nothing to run"),
    ],
)
def test_the_same_settings_as_shells_are_refused(python: NodeHarness, properties: dict[str, str], words: str) -> None:
    outcome = python.node.check(python.context(properties))
    assert outcome is not None
    assert outcome.kind is FailureKind.REFUSED
    assert words in outcome.message


def test_a_shell_script_is_refused(python: NodeHarness) -> None:
    script = Script(name="s", type="Shell", text="echo", version=1)
    outcome = python.node.check(python.context({"scriptName": "s"}, script=script))
    assert outcome is not None
    assert "Shell" in outcome.message
