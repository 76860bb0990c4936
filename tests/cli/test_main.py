from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.cli.conftest import COMMAND, Cli, Running, clean_environment

from arkwright.cli import GROUPS

LIGHT = 'import sys; from arkwright.cli import run; run(["--help"]); print([m for m in {heavy} if m in sys.modules])'


def test_help_lists_every_group(bare_cli: Cli) -> None:
    done = bare_cli("--help")
    assert done.code == 0
    for group in GROUPS:
        assert f" {group} " in done.out


def test_help_has_a_line_for_each_group_on_a_usual_terminal(bare_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line.rstrip() for line in bare_cli("--help").out.splitlines()]
    begun = [line for line in lines if line.startswith("  ") and line.split()[0] in GROUPS]
    assert len(begun) == len(GROUPS)
    assert all(line.endswith(".") for line in begun)


def test_the_help_of_a_command_begins_with_its_own_options(bare_cli: Cli) -> None:
    told = bare_cli("job", "run", "--help").out
    assert 0 < told.index("--follow") < told.index("--url")


def test_help_loads_nothing_heavy() -> None:
    """This is what keeps it quick; a clock would only tell how busy the machine is."""
    heavy = ["asyncio", "httpx2", "uvicorn", "starlette", "sqlite3", "duckdb", "msgspec", "arkwright.client"]
    program = LIGHT.format(heavy=heavy)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["nix"], ["job", "nix"], ["job", "run"], ["job", "list", "--nix"]])
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(bare_cli: Cli, arguments: list[str]) -> None:
    done = bare_cli(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.err


def test_config_shows_values_with_their_sources_and_no_secrets(bare_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARKWRIGHT_PORT", "9000")
    monkeypatch.setenv("ARKWRIGHT_SECRET_KEY", "hush")
    done = bare_cli("config", "--json", "--host", "127.0.0.2")
    rows = {row["name"]: row for row in done.json["settings"]}
    assert (rows["port"]["value"], rows["port"]["source"]) == ("9000", "ARKWRIGHT_PORT")
    assert (rows["host"]["value"], rows["host"]["source"]) == ("127.0.0.2", "option")
    assert rows["max_programs"]["source"] == "default"
    assert "hush" not in done.out


def test_a_setting_that_is_wrong_is_refused(bare_cli: Cli) -> None:
    done = bare_cli("config", "--port", "many")
    assert done.code == 1
    assert "--port must be a whole number" in done.err


def test_the_version_is_told(bare_cli: Cli) -> None:
    assert bare_cli("version").out.startswith("arkwright 0.")
    assert set(bare_cli("version", "--json").json) == {"version", "python", "platform"}


def test_a_reader_that_goes_away_is_no_traceback(home: Running) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        run = subprocess.run(
            [*COMMAND, "job", "list", "--json", "--data", str(home.data)],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            check=False,
        )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr


def test_serve_tells_its_address_as_json_and_a_second_one_is_refused(home: Running) -> None:
    run = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--data", str(home.data)],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    assert run.returncode == 1
    assert "is using the data folder" in " ".join(run.stderr.split())
    assert json.loads((home.data / "server.json").read_text())["url"] == home.url
