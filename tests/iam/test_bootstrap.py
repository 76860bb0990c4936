"""The first start and the later ones."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from tests.iam.house import CHEAP, START_MS, MemoryStore, ignore

from arkwright.errors import SettingInvalid
from arkwright.iam.bootstrap import Credentials, Given, Outcome, bootstrap
from arkwright.iam.directory import Directory
from arkwright.iam.passwords import Passwords
from arkwright.iam.sealing import Sealer

GIVEN = Given(
    project_id="0123456789abcdef0123456789abcdef",
    project_name="eu-de",
    domain_name="OTC00000000001000000001",
    admin_user="Ann",
    admin_password="long enough",
    access_key="AK1",
    secret_key="SK1",
    time_zone="Europe/Berlin",
)


async def start(store: MemoryStore, folder: Path, given: Given) -> tuple[Directory, Outcome]:
    directory = Directory(store, Sealer(folder / "secret.key"))
    return directory, await bootstrap(directory, Passwords(CHEAP), given, now_ms=START_MS, keep=ignore)


def test_the_first_start_makes_everything_at_random(tmp_path: Path) -> None:
    directory, outcome = asyncio.run(start(MemoryStore(), tmp_path, Given()))
    made = outcome.created
    assert made is not None
    assert outcome.warnings == []
    assert re.fullmatch("[0-9a-f]{32}", made.project_id)
    assert re.fullmatch("[0-9a-f]{32}", made.workspace_id)
    assert re.fullmatch("[A-Za-z0-9]{24}", made.password)
    assert re.fullmatch("[A-Z0-9]{20}", made.access_key)
    assert re.fullmatch("[A-Za-z0-9]{40}", made.secret_key)
    key = directory.access_key(made.access_key)
    assert key is not None
    assert directory.secret_key(key) == made.secret_key.encode()
    workspace = directory.workspace(made.project_id, None)
    assert (workspace.name, workspace.id, workspace.local_programs_allowed) == ("default", made.workspace_id, True)
    user = directory.snapshot.users[0]
    assert (user.name, user.administrator, user.created_ms) == ("admin", True, START_MS)


def test_given_values_are_used(tmp_path: Path) -> None:
    directory, outcome = asyncio.run(start(MemoryStore(), tmp_path, GIVEN))
    made = outcome.created
    assert made is not None
    assert (made.project_id, made.project_name, made.domain_name) == (GIVEN.project_id, "eu-de", GIVEN.domain_name)
    assert (made.user_name, made.password, made.access_key, made.secret_key) == ("Ann", "long enough", "AK1", "SK1")
    assert directory.workspace(made.project_id, None).time_zone == "Europe/Berlin"


def test_later_starts_change_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        await start(store, tmp_path, GIVEN)
        rows = dict(store.rows)
        for given in (Given(), GIVEN):
            _, outcome = await start(store, tmp_path, given)
            assert outcome == Outcome(created=None, warnings=[])
            assert store.rows == rows

    asyncio.run(scenario())


def test_other_values_on_a_later_start_are_ignored_with_a_warning_each(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        await start(store, tmp_path, GIVEN)
        rows = dict(store.rows)
        other = Given(project_id="other", domain_name="other", admin_user="Bob", access_key="AK2", secret_key="SK2")
        _, outcome = await start(store, tmp_path, other)
        assert len(outcome.warnings) == 4
        changed = Given(admin_user="Ann", admin_password="another one", access_key="AK1", secret_key="SK2")
        _, outcome = await start(store, tmp_path, changed)
        assert len(outcome.warnings) == 2
        assert "another one" not in "".join(outcome.warnings).replace("is another one", "")
        assert "SK2" not in "".join(outcome.warnings)
        assert store.rows == rows

    asyncio.run(scenario())


def test_two_servers_that_start_together_make_one_installation(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        one, two = await asyncio.gather(start(store, tmp_path, Given()), start(store, tmp_path, Given()))
        assert one[1].created is not None
        directory = Directory(store, Sealer(tmp_path / "secret.key"))
        await directory.load()
        snapshot = directory.snapshot
        counts = [len(rows) for rows in (snapshot.domains, snapshot.projects, snapshot.users, snapshot.workspaces)]
        assert counts == [1, 1, 1, 1]
        assert two[1].created is not None
        assert one[1].created.project_id == two[1].created.project_id

    asyncio.run(scenario())


def test_credentials_are_kept_before_anything_is_stored(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        directory = Directory(store, Sealer(tmp_path / "secret.key"))

        def disk_full(credentials: Credentials) -> None:
            assert credentials.password
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            await bootstrap(directory, Passwords(CHEAP), Given(), now_ms=START_MS, keep=disk_full)
        assert store.rows == {}

    asyncio.run(scenario())


def test_a_short_given_password_is_taken_with_a_warning(tmp_path: Path) -> None:
    _, outcome = asyncio.run(start(MemoryStore(), tmp_path, Given(admin_password="short")))
    assert outcome.created is not None
    assert len(outcome.warnings) == 1


@pytest.mark.parametrize(
    "given",
    [
        Given(project_id="a/b"),
        Given(project_id="x" * 65),
        Given(access_key="a,b"),
        Given(access_key="a b"),
        Given(domain_name=" x"),
        Given(admin_user="a\nb"),
        Given(project_name=""),
    ],
)
def test_unusable_values_are_refused_and_nothing_is_stored(tmp_path: Path, given: Given) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        with pytest.raises(SettingInvalid):
            await start(store, tmp_path, given)
        assert store.rows == {}

    asyncio.run(scenario())


def test_secrets_do_not_show_in_a_printed_value(tmp_path: Path) -> None:
    _, outcome = asyncio.run(start(MemoryStore(), tmp_path, GIVEN))
    assert "long enough" not in repr(outcome)
    assert "SK1" not in repr(outcome)
