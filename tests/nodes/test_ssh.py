"""Shell and Python on another host: a real sshd on the loopback stands for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.servers.ssh import SshServer

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors.local import LocalExecutor
from arkwright.nodes.base import AttemptKey, Connection, Context
from arkwright.nodes.registry import Registry
from arkwright.nodes.shell import Shell
from arkwright.testing.node_harness import NodeHarness

LIMIT_SECONDS = 60


@pytest.fixture
def harness(tmp_path: Path) -> NodeHarness:
    return NodeHarness(Shell(), tmp_path)


@pytest.fixture
def host(ssh_server: SshServer) -> Connection:
    config = {
        "ip": "127.0.0.1",
        "port": str(ssh_server.port),
        "userName": ssh_server.user,
        "privateKey": ssh_server.private_key,
    }
    return Connection(name="other", type="HOST", config=config)


def on(host: Connection, harness: NodeHarness, statement: str, **properties: str) -> Context:
    context = harness.context(
        {"statement": statement, "connectionName": host.name, **properties}, parameters={"day": "it's Monday"}
    )
    secrets = tuple(str(host.config[key]) for key in ("privateKey", "password") if key in host.config)
    return replace(context, connection=host, secrets=secrets, local_programs_allowed=False)


def play(tmp_path: Path, context: Context, kind: str = "Shell", *, stop_at: str = "") -> Outcome:
    """Run an attempt to its end; with `stop_at` it is cancelled once its log has that text."""

    async def scene() -> Outcome:
        executor = LocalExecutor(Registry(group=None), root=tmp_path / "runs")
        ended: asyncio.Future[tuple[AttemptKey, Outcome]] = asyncio.get_running_loop().create_future()
        await executor.open(lambda key, outcome: ended.set_result((key, outcome)))
        executor.submit(kind, context)
        if stop_at:
            async with asyncio.timeout(LIMIT_SECONDS):
                while stop_at not in log_of(context):
                    await asyncio.sleep(0.01)
            executor.cancel(context.key)
        _, outcome = await asyncio.wait_for(ended, LIMIT_SECONDS)
        await executor.close()
        return outcome

    return asyncio.run(scene())


def log_of(context: Context) -> str:
    path = context.folder / "log"
    return path.read_text() if path.exists() else ""


def test_a_script_runs_there_with_arguments_and_parameters(
    tmp_path: Path, harness: NodeHarness, host: Connection
) -> None:
    context = on(host, harness, 'echo "$1|$ARKWRIGHT_PARAM_DAY|$0"; env | grep -c ^SSH_CONNECTION', arguments="'a b' c")
    assert play(tmp_path, context) == Succeeded(output="output"), log_of(context)
    first, second = (context.folder / "output").read_text().split("\n")
    words = first.split("|")
    assert words[:2] == ["a b", "it's Monday"]
    assert not Path(words[2]).exists()  # the folder there is gone
    assert second == "1"


def test_the_exit_code_is_the_remote_one(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    outcome = play(tmp_path, on(host, harness, "echo before; exit 7"))
    assert isinstance(outcome, Failed)
    assert outcome.exit_code == 7
    assert "before" in outcome.message


def test_python_runs_there_too(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    context = on(host, harness, "import os, sys\nprint(sys.argv[1], 'SSH_CONNECTION' in os.environ)", arguments="x")
    assert play(tmp_path, context, "Python") == Succeeded(output="output"), log_of(context)
    assert (context.folder / "output").read_text() == "x True"


def test_a_shebang_is_honoured_there(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    context = on(host, harness, "#!/usr/bin/env python3\nprint(6 * 7)")
    assert play(tmp_path, context) == Succeeded(output="output"), log_of(context)
    assert (context.folder / "output").read_text() == "42"


def test_interactive_input_is_read_there(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    context = on(host, harness, 'read a; read b; echo "$b $a"; cat', interactiveInput="one\nit's two")
    assert play(tmp_path, context) == Succeeded(output="output"), log_of(context)
    assert (context.folder / "output").read_text() == "it's two one"


def test_limits_that_nothing_would_see_to_there_are_refused(
    tmp_path: Path, harness: NodeHarness, host: Connection
) -> None:
    outcome = play(tmp_path, on(host, harness, "true", memoryMb="100"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    assert "memoryMb" in outcome.message


def test_stopping_it_leaves_no_process_there(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    mark = f"3{os.getpid()}{tmp_path.name[-1]}"
    context = on(host, harness, f"trap '' TERM; sleep {mark} & echo up; sleep {mark}")
    outcome = play(tmp_path, context, stop_at="up\n")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CANCELLED
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"sleep {mark}" not in listed


def test_the_hosts_key_of_the_first_time_is_kept_and_another_one_refused(
    tmp_path: Path,
    harness: NodeHarness,
    host: Connection,
    ssh_server: SshServer,
) -> None:
    context = on(host, harness, "echo first")
    assert isinstance(play(tmp_path, context), Succeeded)
    known = context.workspace_folder / "known_hosts"
    assert ssh_server.host_key.split()[1] in known.read_text()
    name = known.read_text().split()[0]
    known.write_text(f"{name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE\n")
    again = replace(
        on(host, harness, "echo second"), key=AttemptKey(instance_id=99, node=0, attempt=1), folder=tmp_path / "again"
    )
    outcome = play(tmp_path, again)
    assert isinstance(outcome, Failed)
    assert "is not the one that is known" in log_of(again)
    assert ssh_server.host_key.split()[1] in log_of(again)
    assert "second" not in log_of(again)


def test_a_pinned_key_wins_over_the_first_time(
    tmp_path: Path,
    harness: NodeHarness,
    host: Connection,
    ssh_server: SshServer,
) -> None:
    pinned = Connection(name="other", type="HOST", config={**host.config, "hostKey": ssh_server.host_key})
    context = on(pinned, harness, "echo pinned")
    assert isinstance(play(tmp_path, context), Succeeded)
    assert not (context.workspace_folder / "known_hosts").exists()


def test_no_password_is_in_the_processes_or_the_folder(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    secret = "Very-Secret-Password-77"
    wrong = Connection(name="other", type="HOST", config={**host.config, "password": secret})
    context = on(wrong, harness, f"ps -eo args | grep -c '[V]ery-Secret'; echo {secret}")
    play(tmp_path, context)
    assert log_of(context).startswith(("[ssh]", "0\n"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret.encode() not in content, path
            assert b"OPENSSH PRIVATE KEY" not in content, path


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"ip": ""}, "lacks ip"),
        ({"privateKey": ""}, "neither a password nor a privateKey"),
        ({"port": "many"}, "the port 'many'"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, harness: NodeHarness, host: Connection, config: dict[str, Any], words: str
) -> None:
    outcome = play(tmp_path, on(Connection(name="o", type="HOST", config={**host.config, **config}), harness, "true"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.REFUSED
    assert words in outcome.message


def test_a_user_who_is_refused_is_told_so(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    wrong = Connection(name="other", type="HOST", config={**host.config, "userName": "nobody-here"})
    outcome = play(tmp_path, on(wrong, harness, "true"))
    assert isinstance(outcome, Failed)
    assert outcome.exit_code == 255
    assert "refuses the user nobody-here" in outcome.message


def test_the_metadata_service_is_fenced(tmp_path: Path, harness: NodeHarness, host: Connection) -> None:
    there = Connection(name="other", type="HOST", config={**host.config, "ip": "169.254.169.254"})
    outcome = play(tmp_path, on(there, harness, "true"))
    assert isinstance(outcome, Failed)
    assert "link-local" in outcome.message
