"""Secrets that are kept elsewhere are found when an attempt connects; nothing else is."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from tests.servers.database import place_for

from arkwright.core.outcome import Failed, FailureKind
from arkwright.engine.connections import SEALED, Connections, bound_to
from arkwright.engine.secret_references import LARGEST_BYTES, References
from arkwright.errors import SettingInvalid
from arkwright.iam.sealing import Sealer
from arkwright.store.base import DefinitionWrite, Kind, Place
from arkwright.store.open import open_store

PLACE = Place(project_id="p" * 32, workspace_id="w" * 32)


@pytest.fixture
def references(tmp_path: Path) -> References:
    own = tmp_path / "secrets" / PLACE.workspace_id
    (own / "db").mkdir(parents=True)
    (own / "db" / "password").write_text("from a file\n")
    (own / "key").write_text("-----BEGIN\nabc\n-----END\r\n")
    (own / "binary").write_bytes(b"\xff\xfe")
    (own / "large").write_text("x" * (LARGEST_BYTES + 1))
    (tmp_path / "secrets" / "other").mkdir()
    (tmp_path / "secrets" / "other" / "password").write_text("of another workspace")
    (own / "link").symlink_to(tmp_path / "secrets" / "other" / "password")
    environment = {"SHARED_DB": "from the environment", "ARKWRIGHT_SECRET_KEY": "the operator's", "SHARED_EMPTY": ""}
    return References(prefix="SHARED_", folder=tmp_path / "secrets", environment=environment)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("env:DB", "from the environment"),
        ("file:db/password", "from a file"),
        ("file:key", "-----BEGIN\nabc\n-----END"),
        ("plain", "plain"),
        ("ENV:DB", "ENV:DB"),
        ("a env:DB", "a env:DB"),
    ],
)
def test_a_reference_is_found_and_a_secret_stays_itself(references: References, text: str, found: str) -> None:
    assert references.resolved(PLACE.workspace_id, text) == found


@pytest.mark.parametrize(
    "text",
    [
        *("env:NOWHERE", "env:EMPTY", "env:", "env:../ARKWRIGHT_SECRET_KEY", "file:", "file:nowhere", "file:db"),
        *("file:../other/password", "file:/etc/passwd", "file:link", "file:binary", "file:large", "file:a\0b"),
    ],
)
def test_what_is_not_there_or_not_the_workspaces_is_refused(references: References, text: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        references.resolved(PLACE.workspace_id, text)
    assert "another" not in str(refused.value)


def test_unless_the_operator_allows_them_there_are_no_references() -> None:
    for text in ("env:PATH", "file:/etc/passwd"):
        assert References().resolved(PLACE.workspace_id, text) == text


def test_only_secrets_of_a_connection_are_looked_up(tmp_path: Path, references: References) -> None:
    async def scene() -> None:
        store, sealer = open_store(place_for(tmp_path)), Sealer(tmp_path / "secret.key")
        await store.open()
        try:
            for name, secret in (("good", "env:DB"), ("bad", "file:nowhere")):
                sealed = sealer.seal(bound_to(PLACE, name, "password"), secret)
                config = {"ip": "env:DB", "password": {SEALED: base64.b64encode(sealed).decode()}}
                write = DefinitionWrite(
                    name=name,
                    category="DWS",
                    directory="/",
                    body={"name": name, "config": config},
                    submit=True,
                    actor="ada",
                    at_ms=0,
                )
                await store.create_definition(PLACE, Kind.CONNECTION, write)
            connections = Connections(store, sealer, references)
            found = await connections.find(PLACE, "good", ("DWS",))
            assert not isinstance(found, Failed)
            connection, secrets = found
            assert connection.config == {"ip": "env:DB", "password": "from the environment"}
            assert secrets == ("from the environment",)
            refused = await connections.find(PLACE, "bad", ("DWS",))
            assert isinstance(refused, Failed)
            assert refused.kind is FailureKind.REFUSED
            assert "'nowhere'" in refused.message
        finally:
            await store.close()

    asyncio.run(scene())
