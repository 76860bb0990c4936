"""The mistakes that everybody makes once: each ends with a sentence that says what is wrong, and with the way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from arkwright.certificates import make_certificates
from arkwright.cli.output import Output

CERTIFICATES = {"ca": "ca.pem", "cert": "worker.pem", "key": "worker-key.pem"}
KEYS = ("--access-key", "a", "--secret-key", "s", "--project-id", "p")


@pytest.fixture
def nonsense(tmp_path: Path) -> str:
    file = tmp_path / "nonsense"
    file.write_text("nonsense\n")
    return str(file)


@pytest.mark.parametrize("url", ["nonsense", "ftp://here", "http://", "http://127.0.0.1:99999", "https://127.0.0.1:0"])
def test_what_is_no_address_is_refused_before_it_is_tried(bare_cli: Cli, url: str) -> None:
    done = bare_cli("job", "list", "--url", url, *KEYS)
    assert done.code == 1
    assert f"'{url}' is no address of a server." in done.err
    assert "Write http://HOST:PORT or https://HOST:PORT." in done.err


def test_http_and_https_are_told_apart(cli: Cli) -> None:
    url = cli("server", "list", "--json").json["servers"][0]["url"]
    done = cli("job", "list", "--url", url.replace("http://", "https://"))
    assert done.code == 1
    assert "Does it speak TLS there? If not, write http://." in done.err


@pytest.mark.parametrize("command", [("job", "list"), ("obs", "ls", "obs://bucket")])
def test_a_file_without_certificates_is_no_reason_to_break_down(
    bare_cli: Cli, nonsense: str, command: tuple[str, ...]
) -> None:
    done = bare_cli(*command, "--url", "https://127.0.0.1:1", "--ca-file", nonsense, *KEYS)
    assert done.code == 1
    assert f"{nonsense} can't be used as certificates to trust" in done.err
    assert "Name a PEM file with the certificate of the server's authority" in done.err


def test_files_that_are_no_certificates_are_named_with_their_options(bare_cli: Cli, nonsense: str) -> None:
    folder = Path(nonsense).with_name("certificates")
    assert bare_cli("certificates", "make", str(folder), "--name", "localhost").code == 0
    certificate, authority = str(folder / "worker.pem"), str(folder / "ca.pem")
    data = ("--port", "0", "--data", str(folder.with_name("data")))
    served = bare_cli("serve", *data, "--tls-cert", certificate, "--tls-key", nonsense)
    assert served.code == 1
    assert f"--tls-cert {certificate} and --tls-key {nonsense} can't be used" in served.err
    workers = ("--executor", "tls://127.0.0.1:1", "--executor-ca", authority, "--executor-cert", certificate)
    served = bare_cli("serve", *data, *workers, "--executor-key", nonsense)
    assert served.code == 1
    assert f"--executor-cert {certificate} and --executor-key {nonsense} can't be used" in served.err
    dask = ("dask-scheduler", "--listen", "tls://127.0.0.1:0", "--tls-cert", certificate)
    listens = bare_cli(*dask, "--tls-key", nonsense, "--tls-ca", authority)
    assert listens.code == 1
    assert f"--tls-cert {certificate} and --tls-key {nonsense} can't be used" in listens.err
    listens = bare_cli(*dask, "--tls-key", str(folder / "worker-key.pem"), "--tls-ca", nonsense)
    assert listens.code == 1
    assert f"--tls-ca {nonsense} can't be used" in listens.err


def test_a_certificate_whose_time_is_over_is_told_at_once(bare_cli: Cli, tmp_path: Path) -> None:
    """Dask would only say that it can't connect, again and again."""
    make_certificates(tmp_path, ["localhost"], days=0)
    (tmp_path / "token").write_text("t")
    tls = [f"--tls-{name}={tmp_path / file}" for name, file in CERTIFICATES.items()]
    worker = ["worker", f"--token-file={tmp_path / 'token'}", f"--data={tmp_path}", "--api=http://127.0.0.1:1"]
    done = bare_cli(*worker, "--scheduler=tls://127.0.0.1:1", *tls)
    assert done.code == 1
    assert f"--tls-cert {tmp_path / 'worker.pem'} expired on " in done.err
    assert "`arkwright certificates make DIR --name HOST` makes it where your authority is." in done.err


@pytest.mark.parametrize("command", ["serve", "db check", "db upgrade", "backup FILE", "restore FILE"])
def test_another_kind_of_database_is_refused_without_a_word_of_its_password(
    bare_cli: Cli, nonsense: str, command: str
) -> None:
    file = nonsense if command.startswith("restore") else f"{nonsense}.tar"
    words = command.replace("FILE", file).split()
    done = bare_cli(*words, "--data", f"{nonsense}-data", "--database-url", "mysql://root:s3cret@here/there")
    assert done.code == 1
    assert "--database-url must be postgresql://USER@HOST/DATABASE." in done.err
    assert "s3cret" not in done.err


def test_a_database_that_is_not_there_is_named_without_its_password(bare_cli: Cli, tmp_path: Path) -> None:
    address = "postgresql://me:secret@127.0.0.1:1/arkwright"
    done = bare_cli("serve", "--port", "0", "--data", str(tmp_path / "data"), "--database-url", address)
    assert done.code == 1
    assert "postgresql://127.0.0.1:1/arkwright can't be reached" in done.err
    assert "Is PostgreSQL running there, and is the address right?" in done.err
    assert "secret" not in done.err + done.out


def test_a_token_that_could_not_be_kept_is_not_made(cli: Cli, nonsense: str) -> None:
    before = len(cli("worker", "token", "list", "--json").json["tokens"])
    done = cli("worker", "token", "create", "--group", "kept", "--out", f"{nonsense}/token")
    assert done.code == 2
    assert f"{nonsense}/token can't be written: Not a directory." in done.err
    assert len(cli("worker", "token", "list", "--json").json["tokens"]) == before
    file = Path(nonsense).with_name("token")
    assert cli("worker", "token", "create", "--group", "not a name", "--out", str(file)).code == 1
    assert not file.exists(), "nothing was made that it could hold"


def test_what_is_no_backup_is_told_in_one_line(bare_cli: Cli, nonsense: str) -> None:
    done = bare_cli("restore", nonsense, "--data", f"{nonsense}-data")
    assert done.code == 1
    assert done.err.splitlines() == [
        f"Error {nonsense} is no complete backup: file could not be opened successfully.",
        "It must be what `arkwright backup` wrote, as a whole.",
    ]


def test_a_command_that_is_nearly_right_is_proposed(bare_cli: Cli) -> None:
    done = bare_cli("instanc", "list")
    assert done.code == 2
    assert "Did you mean 'instance'?" in done.err


def test_the_version_is_told_to_who_asks_as_everywhere(bare_cli: Cli) -> None:
    assert bare_cli("--version").out.split()[0] == "arkwright"


@pytest.mark.parametrize("columns", ["", "40"])
def test_what_is_to_be_copied_stays_in_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """Rows of a table in a pipe, too, unless somebody says how wide it is."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setitem(os.environ, "COLUMNS", columns)
    address = f"http://127.0.0.1:8990/{'a' * 100}"
    output = Output()
    output.done(f"URL: {address}", {})
    output.table(["Name", "Address"], [["one", address]])
    told = capfd.readouterr().out
    assert f"URL: {address}\n" in told
    assert (f"one   {address}" in told) is not bool(columns)


def test_a_list_of_nothing_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    Output().table(["Name"], [], none="No names.")
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "No names.\n")
