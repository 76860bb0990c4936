from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import EXAMPLES, Cli, Done, Running, job, start_server

from arkwright.cli.documents import SUBMITTED
from arkwright.cli.export import _names
from arkwright.client import Page


@pytest.fixture(scope="module")
def two_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Running]]:
    """Both empty, and used by this file alone: an export is of everything."""
    first, second = (start_server(tmp_path_factory.mktemp(name) / "data") for name in ("first", "second"))
    yield first, second
    assert first.stop() == 0
    assert second.stop() == 0


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def results(done: Done) -> dict[str, str]:
    assert done.code == 0, done.err
    return {each["file"]: each["result"] for each in done.json["results"]}


def source(folder: Path) -> Path:
    """Documents with what is easily lost on the way."""
    for each in ("jobs", "scripts"):
        (folder / each).mkdir(parents=True)
    daily = job("Daily", "echo 1", zeta="1", alpha="2")
    daily["schedule"] = {
        "type": "CRON",
        "cron": {"expression": "0 0 2 * * ?", "startTime": "2018-10-22T23:59:59+08", "dependPrePeriod": False},
    }
    documents = {
        "jobs/daily.json": {**daily, "unknownField": {"b": 1, "a": [1.5, None]}, "directory": "/a/b"},
        "jobs/lower.json": job("daily", "echo 2"),
        "jobs/中文.json": {**job("中文"), "nodes": job("x", "echo é")["nodes"]},
        "jobs/long.json": {**job("long", "true"), "name": "长" * 128},
        "scripts/long.json": {"name": "长" * 128, "type": "Shell", "content": "echo"},
        "jobs/stream.json": {**job("stream", "true"), "processType": "REAL_TIME"},
        "scripts/sql.json": {"name": "sql", "type": "DLISQL", "content": "SELECT 'ü'\n\n", "database": "d"},
        "scripts/windows.json": {"name": "windows", "type": "Shell", "content": "echo 1\r\necho 2\r\n"},
        "scripts/py.json": {"name": "py.sql", "type": "PYTHON", "content": "print(1)"},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_export_import_export_gives_the_same_bytes(
    bare_cli: Cli, two_servers: tuple[Running, Running], tmp_path: Path
) -> None:
    first, second = (("--data", str(each.data), "--json") for each in two_servers)
    for folder in (source(tmp_path / "source"), *sorted(each for each in EXAMPLES.iterdir() if each.is_dir())):
        if (folder / "jobs").is_dir():
            assert bare_cli("import", str(folder), *first).code == 0
    here, there = tmp_path / "here", tmp_path / "there"
    written = results(bare_cli("export", str(here), *first))
    assert set(written.values()) == {"created"}
    assert (here / "scripts" / "sql.sql").read_text() == "SELECT 'ü'\n\n"
    assert json.loads((here / "scripts" / "sql.json").read_text())["contentFile"] == "sql.sql"
    assert (here / "scripts" / "py.sql.py").read_text() == "print(1)"
    assert (here / "jobs" / "stream.json").is_file(), "real-time jobs are listed apart"
    alike = [path for path in (here / "jobs").glob("*") if path.name.casefold().startswith("daily")]
    assert len({path.name.casefold() for path in alike}) == 2, "names that differ in case only get files of their own"
    for path in (here / "jobs").glob("*.json"):
        assert not {"id", "version", "createTime", "createUser"} & set(json.loads(path.read_text()))

    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    assert set(results(bare_cli("export", str(here), *first)).values()) == {"unchanged"}
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before, "nothing is written a second time"

    done = bare_cli("import", str(here), *second)
    assert done.code == 0, done.err
    assert {each["result"] for each in done.json["results"]} == {"created"}
    results(bare_cli("export", str(there), *second))
    assert files(there) == files(here)
    assert {each["result"] for each in bare_cli("import", str(here), *second).json["results"]} == {"unchanged"}


def test_files_of_deleted_objects_go_only_with_prune(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = tmp_path / "gone-s.json"
    script.write_text(json.dumps({"name": "gone-s", "type": "DLISQL", "content": "SELECT 1"}))
    assert cli("script", "create", str(script)).code == 0
    for name in ("gone-j", "stays-j"):
        document = tmp_path / f"{name}.json"
        document.write_text(json.dumps(job(name, "true")))
        assert cli("job", "create", str(document)).code == 0
    assert cli("export", str(out)).code == 0
    (out / "scripts" / "README.txt").write_text("mine")
    (out / "scripts" / "notes.sql").write_text("mine, too")
    assert cli("script", "delete", "gone-s").code == 0
    assert cli("job", "delete", "gone-j").code == 0
    gone = {"jobs/gone-j.json", "scripts/gone-s.json", "scripts/gone-s.sql"}
    left = results(cli("export", str(out), "--json"))
    assert {file for file, result in left.items() if result == "left"} == gone
    assert gone <= set(files(out))
    pruned = results(cli("export", str(out), "--prune", "--json"))
    assert {file for file, result in pruned.items() if result == "removed"} == gone
    assert not gone & set(files(out))
    assert {"scripts/README.txt", "scripts/notes.sql"} <= set(files(out)), "what no export wrote is nobody's to remove"
    assert set(results(cli("export", str(out), "--prune", "--json")).values()) == {"unchanged"}


def test_a_document_stays_in_the_file_that_holds_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "jobs" / "my-file.json").write_text(json.dumps(job("kept-j", "true")))
    (tmp_path / "scripts" / "s.json").write_text(
        json.dumps({"name": "kept-s", "type": "DLISQL", "contentFile": "text-of-s.sql"})
    )
    (tmp_path / "scripts" / "text-of-s.sql").write_text("SELECT 1")
    assert cli("import", str(tmp_path)).code == 0
    assert cli("export", str(tmp_path)).code == 0
    found = files(tmp_path)
    assert "jobs/kept-j.json" not in found
    assert json.loads(found["scripts/s.json"])["contentFile"] == "text-of-s.sql"
    assert cli("import", str(tmp_path), "--dry-run").code == 0


def test_a_server_that_can_not_be_reached_leaves_the_folder_alone(bare_cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = bare_cli("export", str(out), "--data", str(tmp_path / "nothing"))
    assert done.code == 1
    assert not out.exists()


class Lists:
    """A session whose server has these names, and counts `offset` in pages or in records."""

    def __init__(self, total: int, *, pages: bool) -> None:
        self.all = [f"n{number}" for number in range(total)]
        self.pages = pages
        self.calls = 0

    def send(self, offset: int) -> Page[dict[str, str]]:
        self.calls += 1
        start = offset * 100 if self.pages else offset
        return Page(total=len(self.all), items=[{"name": each} for each in self.all[start : start + 100]])


@pytest.mark.parametrize("pages", [True, False])
@pytest.mark.parametrize("total", [0, 1, 100, 101, 250, 1000])
def test_all_names_are_found_whatever_an_offset_counts(total: int, pages: bool) -> None:
    lists = Lists(total, pages=pages)
    assert list(_names(lists, lambda offset: offset)) == lists.all  # type: ignore[arg-type,return-value]
    assert lists.calls <= total // 100 + 2


def test_what_was_saved_and_not_submitted_stays_so_on_the_other_server(
    two_servers: tuple[Running, Running], bare_cli: Cli, tmp_path: Path
) -> None:
    first, second = (str(each.data) for each in two_servers)

    def save(verb: str, name: str, statement: str, **more: str) -> None:
        file = tmp_path / "one.json"
        file.write_text(json.dumps({**job(name, statement), **more}))
        arguments = ["create", str(file)] if verb == "create" else ["edit", name, str(file)]
        assert bare_cli("job", *arguments, "--data", first).code == 0

    save("create", "drafted", "true # submitted")
    save("edit", "drafted", "true # draft", targetStatus="SAVED")
    save("create", "never", "true", targetStatus="SAVED")
    out = tmp_path / "out"
    assert bare_cli("export", str(out), "--data", first).code == 0
    drafted = json.loads((out / "jobs" / "drafted.json").read_text())
    assert list(drafted)[-1] == SUBMITTED
    assert "# draft" in json.dumps(drafted["nodes"])
    assert "# submitted" in json.dumps(drafted[SUBMITTED]["nodes"])
    assert json.loads((out / "jobs" / "never.json").read_text())[SUBMITTED] is None

    assert bare_cli("import", str(out), "--dry-run", "--data", second).code == 0
    assert bare_cli("import", str(out), "--data", second).code == 0
    assert "never submitted" in bare_cli("job", "run", "never", "--data", second).err
    assert bare_cli("job", "run", "drafted", "--wait", "--data", second).code == 0
    assert "# draft" in bare_cli("job", "get", "drafted", "--data", second).out
    again = bare_cli("import", str(out), "--json", "--data", second).json["results"]
    assert {each["result"] for each in again if each["name"] in ("drafted", "never")} == {"unchanged"}
    back = tmp_path / "back"
    assert bare_cli("export", str(back), "--data", second).code == 0
    for name in ("drafted", "never"):
        assert (back / "jobs" / f"{name}.json").read_bytes() == (out / "jobs" / f"{name}.json").read_bytes()


def test_a_submitted_state_that_is_none_is_told_before_anything_is_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.json").write_text(json.dumps({**job("a-bad", "true"), SUBMITTED: 7}))
    done = cli("import", str(tmp_path))
    assert done.code == 1
    assert SUBMITTED in done.err


def test_more_than_a_page_of_jobs_is_exported(
    bare_cli: Cli, two_servers: tuple[Running, Running], tmp_path: Path
) -> None:
    """The last one here: each export of that server is of all these, too, from now on."""
    there = ("--data", str(two_servers[1].data))
    (tmp_path / "in" / "jobs").mkdir(parents=True)
    names = {f"many-{number:03}" for number in range(203)}
    for name in names:
        (tmp_path / "in" / "jobs" / f"{name}.json").write_text(json.dumps(job(name, "true")))
    assert bare_cli("import", str(tmp_path / "in"), *there).code == 0
    assert bare_cli("export", str(tmp_path / "out"), *there).code == 0
    assert names <= {path.stem for path in (tmp_path / "out" / "jobs").glob("*.json")}
