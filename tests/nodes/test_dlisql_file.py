"""DLISQL and the state of its database's file: open elsewhere, damaged, of another version; and texts and results that
are large or empty. Databases of several workspaces in one host."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from tests.executors.test_resident_kit import Stage, log_of, message, output_of, play
from tests.nodes.test_dlisql_kit import sql

from arkwright.core.outcome import FailureKind, Outcome, Succeeded
from arkwright.nodes.duckdb_warehouse import FILE

HOLD = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("file"))
    yield stage
    stage.close()


def ask(stage: Stage, workspace: Path, statement: str) -> tuple[Outcome, str, str | None]:
    """Outcome, log and output on the database of that workspace."""
    context = replace(stage.context({"statement": statement}), workspace_folder=workspace)
    found: list[Outcome] = []

    async def scene() -> None:
        async with stage.server() as server:
            found.append(await server.run("dlisql", context))

    play(scene)
    return found[0], log_of(context), output_of(context, found[0])


def fails(stage: Stage, workspace: Path, statement: str = "SELECT 1") -> str:
    return message(ask(stage, workspace, statement)[0], FailureKind.ERROR)


def checksum(block: bytes) -> int:
    """As DuckDB reckons it."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        found ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return found


# -- the file


def test_a_database_that_another_program_has_open_is_told_and_works_once_it_is_closed(
    stage: Stage, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        told = fails(stage, tmp_path)
        assert FILE in told
        assert str(other.pid) in told
        assert "Close it there" in told
    assert ask(stage, tmp_path, "SELECT 1")[2] == '[["1"]]'


def test_a_file_that_is_no_database_is_told_and_left_alone(stage: Stage, tmp_path: Path) -> None:
    content = b"no database at all\n" * 1000
    (tmp_path / FILE).write_bytes(content)
    told = fails(stage, tmp_path)
    assert FILE in told
    assert "backup" in told
    assert (tmp_path / FILE).read_bytes() == content


def test_a_database_whose_making_was_broken_off_is_made_anew(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / FILE).touch()  # after a power cut
    (tmp_path / f"{FILE}.new").write_bytes(b"\0" * 5000)
    (tmp_path / f"{FILE}.wal").write_bytes(b"of another one")
    assert ask(stage, tmp_path, "SELECT 1")[2] == '[["1"]]'
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(f"{FILE}.new")] == []


def test_a_database_of_a_newer_version_is_told_and_left_alone(stage: Stage, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / FILE)) as made:
        made.execute("CREATE TABLE t AS SELECT 1 AS a")
    data = bytearray((tmp_path / FILE).read_bytes())
    assert data[8:12] == b"DUCK"
    data[12:20] = (10**6).to_bytes(8, "little")  # the version of the storage
    data[:8] = checksum(data[8:4096]).to_bytes(8, "little")
    (tmp_path / FILE).write_bytes(data)
    told = fails(stage, tmp_path)
    assert FILE in told
    assert "the version of DuckDB that wrote it" in told
    assert (tmp_path / FILE).read_bytes() == data


def test_a_damaged_block_fails_the_node_that_reads_it_and_nobody_else(stage: Stage, tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    broken.mkdir()
    whole.mkdir()
    with duckdb.connect(str(broken / FILE)) as made:
        made.execute("CREATE TABLE t AS SELECT random() AS a FROM range(300000)")
    size = (broken / FILE).stat().st_size
    with (broken / FILE).open("r+b") as file:
        for at in range(size // 4, 3 * size // 4, 65_536):
            file.seek(at)
            file.write(os.urandom(4096))
    assert fails(stage, broken, "SELECT sum(a) FROM t")
    assert ask(stage, whole, "SELECT 1")[2] == '[["1"]]'


# -- texts and results


@pytest.mark.parametrize("text", ["-- nothing", "/* nothing */ ;", " ;; "])
def test_a_text_without_a_statement_is_no_green_node(stage: Stage, text: str) -> None:
    assert "no statement" in message(sql(stage, text)[0], FailureKind.REFUSED)


def test_a_text_from_windows_and_one_of_a_megabyte_run(stage: Stage) -> None:
    assert sql(stage, "\ufeffSELECT 1;\r\n-- two\r\nSELECT 2;\r\n")[2] == '[["2"]]'
    assert sql(stage, f"SELECT length('{'x' * 1_000_000}')")[2] == '[["1000000"]]'


def test_a_wide_result_is_whole_in_the_output_and_short_in_the_log(stage: Stage) -> None:
    columns = ", ".join(f"repeat('{number % 10}', 40) AS c{number}" for number in range(1500))
    outcome, log, output = sql(stage, f"SELECT {columns} FROM range(100)")
    assert outcome == Succeeded(output="output", output_row_count=15)  # a million characters
    assert {len(row) for row in json.loads(output or "")} == {1500}
    assert len(log) < 100_000
    assert "1,450 more columns" in log


def test_numbers_that_are_none_and_times_keep_their_names(stage: Stage) -> None:
    query = (
        "SELECT 'NaN'::DOUBLE, '-Infinity'::DOUBLE, 1e400::VARCHAR, INTERVAL '1 month -2 days 3.5 s', TIME '24:00:00'"
    )
    output = sql(stage, query)[2]
    assert json.loads(output or "")[0][:2] == ["nan", "-inf"]
