from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, Running

from arkwright.cli.target import NoCredential, NoServer, find_target
from arkwright.client import AccessKey, Password


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1}))
    (tmp_path / "credentials.csv").write_text(
        "User Name,Password,Access Key Id,Secret Access Key,Project Id,Domain\nadmin,pw,AK,SK,p1,dom\n"
    )
    return tmp_path


def test_server_and_credential_are_found_in_the_data_folder(data: Path) -> None:
    target = find_target(data=data, environment={})
    assert (target.url, target.project_id, target.workspace) == ("http://127.0.0.1:1", "p1", "")
    assert target.credential == AccessKey("AK", "SK")


def test_the_environment_wins_over_the_data_folder_and_options_win_over_both(data: Path) -> None:
    environment = {
        "ARKWRIGHT_DATA": str(data),
        "ARKWRIGHT_URL": "http://env",
        "ARKWRIGHT_ACCESS_KEY": "AK2",
        "ARKWRIGHT_SECRET_KEY": "SK2",
        "ARKWRIGHT_PROJECT_ID": "p2",
        "ARKWRIGHT_WORKSPACE": "w2",
    }
    target = find_target(environment=environment)
    assert (target.url, target.project_id, target.workspace) == ("http://env", "p2", "w2")
    assert target.credential == AccessKey("AK2", "SK2")
    target = find_target(url="http://opt", access_key="AK3", secret_key="SK3", workspace="w3", environment=environment)
    assert (target.url, target.workspace) == ("http://opt", "w3")
    assert target.credential == AccessKey("AK3", "SK3")


def test_a_user_and_password_of_the_environment_are_used(data: Path) -> None:
    environment = {"ARKWRIGHT_DATA": str(data), "ARKWRIGHT_USER": "anna", "ARKWRIGHT_PASSWORD": "pw2"}
    assert find_target(environment=environment).credential == Password("anna", "pw2", "dom")


def test_half_a_key_is_refused(data: Path) -> None:
    with pytest.raises(NoCredential, match="belong together"):
        find_target(data=data, access_key="AK2", environment={})


def test_without_a_server_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoServer) as caught:
        find_target(data=tmp_path, environment={})
    assert "arkwright serve" in caught.value.hint


def test_a_server_that_died_is_not_reachable_and_the_error_says_what_to_do(
    bare_cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arkwright.client.transport.Repeats.pause", lambda *_: 0.0)
    done = bare_cli("job", "list", "--data", str(data))
    assert done.code == 1
    assert "arkwright serve" in done.err


def test_a_password_works_as_well_as_a_key(cli: Cli, home: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    user, password = (home.data / "credentials.csv").read_text().splitlines()[1].split(",")[:2]
    monkeypatch.setenv("ARKWRIGHT_USER", user)
    monkeypatch.setenv("ARKWRIGHT_PASSWORD", password)
    assert cli("job", "list").code == 0
    monkeypatch.setenv("ARKWRIGHT_PASSWORD", "wrong")
    assert cli("job", "list").code == 1


def test_a_wrong_secret_is_refused(cli: Cli) -> None:
    done = cli("job", "list", "--access-key", "AKIA", "--secret-key", "wrong")
    assert done.code == 1
    assert done.out == ""
    assert "Request " in done.err, "the request id helps to find it in the server's log"
