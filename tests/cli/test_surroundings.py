"""What a terminal, a pipe, a disk or a home folder may be like: a sentence, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import COMMAND, Cli, Running, clean_environment, job, start_server

from arkwright.errors import SettingInvalid
from arkwright.own_folder import make_folder


def in_a_process(home: Running, *arguments: str, stdout: int = subprocess.PIPE, **environment: str):  # type: ignore[no-untyped-def]
    return subprocess.run(
        [*COMMAND, *arguments, "--data", str(home.data)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=clean_environment(**environment),
        check=False,
    )


def test_a_reader_that_goes_away_while_a_run_is_followed_is_no_traceback(home: Running, save) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = in_a_process(home, "job", "run", save(job("read-by-nobody", "echo one")), "--follow", stdout=write)
    finally:
        os.close(write)
    assert done.returncode == 1
    assert done.stderr.decode() == ""


def test_a_run_whose_server_does_not_come_back_is_followed_to_a_sentence(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arkwright.client.transport.Repeats.pause", lambda *_: 0.0)
    gone = ("--url", "http://127.0.0.1:1", "--access-key", "a", "--secret-key", "s", "--project-id", "p")
    done = bare_cli("instance", "logs", "any", "5", "--follow", *gone)
    assert done.code == 1
    assert done.err.startswith("Error No answer from http://127.0.0.1:1:")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("job", "list"), ("job", "list", "--json"), ("instance", "logs", "two")])
def test_a_full_disk_below_the_output_is_told(home: Running, cli: Cli, save, words: tuple[str, ...]) -> None:
    if words[0] == "instance":
        assert cli("job", "run", save(job("two", "echo 1", "echo 2")), "--wait").code == 0
    with Path("/dev/full").open("w") as full:
        done = in_a_process(home, *words, stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr.decode() == "Error No space left on device.\n"


def test_a_terminal_without_unicode_gets_what_it_can_show_and_json_stays_whole(home: Running, cli: Cli, save) -> None:
    name = save({**job("plain", "echo ☃"), "description": "Schnee ☃"})
    done = in_a_process(home, "job", "run", name, "--follow", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? success" in done.stdout
    document = in_a_process(home, "job", "get", name, PYTHONIOENCODING="latin-1").stdout
    assert json.loads(document.decode("latin-1"))["description"] == "Schnee ☃"


def test_no_colours_where_nobody_wants_them(home: Running, save) -> None:
    name = save(job("colours", "true"))
    coloured = in_a_process(home, "job", "run", name, "--follow", FORCE_COLOR="1")
    assert b"\x1b[" in coloured.stdout
    assert b"\x1b[3" not in in_a_process(home, "job", "run", name, "--follow", FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/dev/null/data", "can't be used: Not a directory."),
        (f"/tmp/{'a' * 300}", "can't be used: File name too long."),
        ("~nobody-of-this-name/data", "--data: there is no home folder"),
        ("", "--data is empty."),
    ],
)
def test_a_data_folder_that_can_not_be_is_refused_with_the_way_out(bare_cli: Cli, folder: str, said: str) -> None:
    done = bare_cli("serve", "--port", "0", "--data", folder)
    assert done.code == 1
    assert said in done.err
    assert "--data" in done.err


def test_a_data_folder_whose_lock_can_not_be_written_is_refused(bare_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    done = bare_cli("serve", "--port", "0", "--data", str(tmp_path))
    assert done.code == 1
    assert done.err.startswith(f"Error {tmp_path / 'lock'} can't be used: Is a directory.")


def test_a_read_only_file_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SettingInvalid, match="can't be used: Read-only file system"):
        make_folder(tmp_path / "data")


@pytest.mark.parametrize("command", [("job", "list"), ("serve", "--port", "0"), ("config",)])
def test_without_a_home_folder_the_data_folder_must_be_named(
    bare_cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """As in a container whose user has no entry in /etc/passwd."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", _unknown)
    done = bare_cli(*command)
    assert done.code == 1
    assert "This user has no home folder" in done.err
    assert "--data" in done.err


def _unknown(uid: int) -> None:
    raise KeyError(uid)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"ARKWRIGHT_TIME_ZONE": "Mars/Base"}, "ARKWRIGHT_TIME_ZONE is no time zone: 'Mars/Base'."),
        ({"ARKWRIGHT_MAX_PROGRAMS": "0"}, "ARKWRIGHT_MAX_PROGRAMS must be at least 1."),
        ({"ARKWRIGHT_TRUSTED_PROXIES": "nonsense"}, "--trusted-proxies takes addresses or networks"),
        ({"ARKWRIGHT_PROJECT_ID": "a b"}, "The project id (ARKWRIGHT_PROJECT_ID) must have"),
    ],
)
def test_a_value_of_the_first_start_that_can_not_be_used_is_refused(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str], said: str
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    done = bare_cli("serve", "--port", "0", "--data", str(tmp_path))
    assert done.code == 1
    assert said in done.err
    assert not (tmp_path / "credentials.csv").exists() or "TRUSTED" in str(setting)


def test_a_key_file_that_is_gone_is_told_at_the_start(tmp_path: Path) -> None:
    """Whoever can log in sets the secrets anew; access keys are among them."""
    assert start_server(tmp_path).stop() == 0
    (tmp_path / "secret.key").rename(tmp_path / "kept.key")
    assert start_server(tmp_path).stop() == 0
    assert f"there is no key file {tmp_path / 'secret.key'}." in (tmp_path / "server.log").read_text()
    (tmp_path / "secret.key").unlink(missing_ok=True)
    (tmp_path / "kept.key").rename(tmp_path / "secret.key")
    said_before = len((tmp_path / "server.log").read_text())
    assert start_server(tmp_path).stop() == 0
    assert "key" not in (tmp_path / "server.log").read_text()[said_before:]
