"""The whole package on the real embedded store: first start, restart, log-in, signature, changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.iam.house import CHEAP, Clock, ignore

from arkwright.errors import Unauthenticated
from arkwright.iam import signatures
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator, Request
from arkwright.iam.bootstrap import Credentials, Given, bootstrap
from arkwright.iam.directory import Directory
from arkwright.iam.keystone import parse_login
from arkwright.iam.login import Login
from arkwright.iam.model import Action, Role, can
from arkwright.iam.passwords import Passwords
from arkwright.iam.sealing import Sealer
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import Tokens
from arkwright.store.sqlite import SqliteStore


async def nothing() -> bytes:
    return b""


def signed(made: Credentials, clock: Clock) -> Request:
    added = signatures.sign(
        method="GET",
        path="/v3/projects",
        query="name=eu-de",
        headers={"Host": "h"},
        body=b"",
        access_key=made.access_key,
        secret_key=made.secret_key,
        now_ms=clock(),
    )
    headers = [(b"host", b"h"), *((name.lower().encode(), value.encode()) for name, value in added.items())]
    return Request(method="GET", path=b"/v3/projects", query=b"name=eu-de", headers=headers)


def test_an_installation_survives_restarts(tmp_path: Path) -> None:
    clock, passwords = Clock(), Passwords(CHEAP)
    kept: list[Credentials] = []

    async def first_start() -> tuple[str, str]:
        store = SqliteStore(tmp_path / "arkwright.db")
        await store.open()
        directory = Directory(store, Sealer(tmp_path / "secret.key"))
        outcome = await bootstrap(directory, passwords, Given(), now_ms=clock(), keep=kept.append)
        assert [outcome.created] == kept
        tokens = Tokens(store, directory, clock)
        login = Login(directory, passwords, Throttle(), tokens, clock)
        user = {"name": "admin", "password": kept[0].password, "domain": {"name": "arkwright"}}
        asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        issued = await login.log_in(parse_login(asked), "127.0.0.1")
        administration = Administration(directory, passwords, clock)
        ann = await administration.create_user(issued.actor.domain_id, "ann")
        await administration.set_role(kept[0].workspace_id, ann.user.id, Role.OPERATOR)
        hers = await tokens.issue(ann.user, kept[0].project_id)
        await store.close()
        return issued.text, hers.text

    async def later_start(admins: str, hers: str) -> None:
        store = SqliteStore(tmp_path / "arkwright.db")
        await store.open()
        directory = Directory(store, Sealer(tmp_path / "secret.key"))
        outcome = await bootstrap(directory, passwords, Given(), now_ms=clock(), keep=ignore)
        assert (outcome.created, outcome.warnings) == (None, [])
        tokens = Tokens(store, directory, clock)
        authenticator = Authenticator(directory, tokens, clock)
        actor = await authenticator.authenticate(signed(kept[0], clock), nothing, project_id=None)
        assert actor.administrator
        actor = await tokens.verify(admins)
        assert actor.project_id == kept[0].project_id
        workspace = directory.workspace(kept[0].project_id, None)
        ann = await tokens.verify(hers)
        assert can(ann, Action.JOB_OPERATE, workspace.id)
        assert not can(ann, Action.JOB_DELETE, workspace.id)
        await Administration(directory, passwords, clock).disable_user(ann.user_id)
        with pytest.raises(Unauthenticated):
            await tokens.verify(hers)
        await tokens.revoke(admins)
        with pytest.raises(Unauthenticated):
            await tokens.verify(admins)
        await store.close()

    asyncio.run(later_start(*asyncio.run(first_start())))
