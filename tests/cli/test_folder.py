from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.conftest import EXAMPLES, Cli, job


def results(done) -> dict[str, str]:
    return {each["name"]: each["result"] for each in done.json["results"]}


def test_importing_the_examples_twice_changes_nothing_the_second_time(cli: Cli) -> None:
    for folder in sorted(each for each in EXAMPLES.iterdir() if each.is_dir()):
        assert set(results(cli("import", str(folder), "--json")).values()) == {"created"}
        assert set(results(cli("import", str(folder), "--json")).values()) == {"unchanged"}


def test_only_what_differs_is_changed(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    (folder / "jobs").mkdir(parents=True)
    (folder / "scripts").mkdir()
    (folder / "jobs" / "a.json").write_text(json.dumps(job("imp-a", "true")))
    (folder / "jobs" / "b.json").write_text(json.dumps(job("imp-b", "true")))
    (folder / "scripts" / "imp-s.sh").write_text("echo 1")
    assert set(results(cli("import", str(folder), "--json")).values()) == {"created"}
    (folder / "jobs" / "b.json").write_text(json.dumps(job("imp-b", "true", "true")))
    (folder / "scripts" / "imp-s.sh").write_text("echo 2")
    changes = {"imp-a": "unchanged", "imp-b": "changed", "imp-s": "changed"}
    dry = cli("import", str(folder), "--dry-run", "--json")
    assert results(dry) == changes
    assert cli("script", "get", "imp-s", "--text").out == "echo 1", "a dry run writes nothing"
    assert results(cli("import", str(folder), "--json")) == changes
    assert cli("script", "get", "imp-s", "--text").out == "echo 2"


def test_a_file_that_can_not_be_read_stops_the_import_before_the_first_write(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.json").write_text(json.dumps(job("never", "true")))
    (tmp_path / "jobs" / "b.json").write_text("{")
    (tmp_path / "jobs" / "c.json").write_text("[]")
    (tmp_path / "jobs" / "d.json").write_text("[" * 100_000)
    (tmp_path / "jobs" / "e.json").mkdir()
    done = cli("import", str(tmp_path))
    assert done.code == 1
    assert "Nothing was imported" in done.err
    for file in ("b.json", "c.json", "d.json", "e.json"):
        assert file in done.err
    assert cli("job", "get", "never").code == 1


def test_what_the_server_refuses_is_named_and_the_rest_is_imported(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.json").write_text(json.dumps({**job("part-a", "true"), "nodes": []}))
    (tmp_path / "jobs" / "b.json").write_text(json.dumps(job("part-b", "true")))
    done = cli("import", str(tmp_path), "--json")
    assert done.code == 1
    assert results(done) == {"part-a": "failed", "part-b": "created"}
    assert done.json["results"][0]["reason"]


def test_two_files_of_one_name_are_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    for file in ("a.json", "b.json"):
        (tmp_path / "jobs" / file).write_text(json.dumps(job("same", "true")))
    done = cli("import", str(tmp_path))
    assert done.code == 1
    assert "both hold the job same" in " ".join(done.err.split())


def test_a_script_can_not_take_its_text_from_outside_the_folder(cli: Cli, tmp_path: Path) -> None:
    secret = tmp_path / "secret.sh"
    secret.write_text("x")
    (tmp_path / "in" / "scripts").mkdir(parents=True)
    document = {"name": "out", "type": "Shell", "contentFile": "../../secret.sh"}
    (tmp_path / "in" / "scripts" / "out.json").write_text(json.dumps(document))
    done = cli("import", str(tmp_path / "in"))
    assert done.code == 1
    assert "lies outside" in " ".join(done.err.split())


def test_the_documented_example_runs(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "myjob"
    shutil.copytree(EXAMPLES / "myjob", folder)
    assert cli("import", str(folder)).code == 0
    done = cli("job", "run", "myJob", "-p", "aaa=111", "-p", "bbb=222", "--follow")
    assert done.code == 0, done.out + done.err
    assert "tell │ 111 + 222 = 333" in done.out


def test_a_text_of_which_nobody_says_what_it_is_is_named_and_left_out(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "imp-t.sh").write_text("echo 1")
    (tmp_path / "scripts" / "README.md").write_text("about these")
    (tmp_path / "scripts" / "totals.sql").write_text("SELECT 1")
    (tmp_path / "scripts" / "imp-u.json").write_text(
        json.dumps({"name": "imp-u", "type": "DLISQL", "contentFile": "other.sql"})
    )
    (tmp_path / "scripts" / "other.sql").write_text("SELECT 2")
    done = cli("import", str(tmp_path))
    assert done.code == 0, done.err
    assert f"{tmp_path / 'scripts' / 'totals.sql'} was left out: its ending does not tell its type." in done.err
    assert "totals.json" in done.err
    assert "other.sql" not in done.err
    assert "README" not in done.err
