"""A small installation for the tests: a store in memory, a clock that stands still, cheap password hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from arkwright.core.identity import (
    AccessKey,
    Domain,
    IdentityRecord,
    IdentitySnapshot,
    Member,
    Project,
    Token,
    User,
    Workspace,
)
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.bootstrap import Credentials, Given, bootstrap
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.passwords import Parameters, Passwords
from arkwright.iam.sealing import Sealer
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import Tokens

CHEAP = Parameters(passes=1, memory_kib=8)
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class MemoryStore:
    """Keeps records as the store's contract says, in dicts."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], IdentityRecord] = {}
        self.tokens: dict[bytes, Token] = {}
        self.reads = 0
        self.token_reads = 0
        self._changed: list[Callable[[], None]] = []

    async def installation_id(self) -> str:
        return "installation"

    async def read_identity(self) -> IdentitySnapshot:
        self.reads += 1
        rows = list(self.rows.values())
        return IdentitySnapshot(
            domains=[row for row in rows if isinstance(row, Domain)],
            projects=[row for row in rows if isinstance(row, Project)],
            users=[row for row in rows if isinstance(row, User)],
            workspaces=[row for row in rows if isinstance(row, Workspace)],
            members=[row for row in rows if isinstance(row, Member)],
            access_keys=[row for row in rows if isinstance(row, AccessKey)],
        )

    async def write_identity(self, rows: Sequence[IdentityRecord]) -> None:
        for row in rows:
            match row:
                case Member():
                    key = f"{row.workspace_id} {row.user_id}"
                case AccessKey():
                    key = row.access_key
                case _:
                    key = row.id
            self.rows[type(row).__name__, key] = row

    def on_identity_changed(self, changed: Callable[[], None]) -> None:
        self._changed.append(changed)

    async def written_by_another_server(self, *rows: IdentityRecord) -> None:
        await self.write_identity(rows)
        for changed in self._changed:
            changed()

    async def put_token(self, token: Token) -> None:
        self.tokens[token.token_hash] = token

    async def get_token(self, token_hash: bytes) -> Token | None:
        self.token_reads += 1
        return self.tokens.get(token_hash)

    async def delete_token(self, token_hash: bytes) -> None:
        self.tokens.pop(token_hash, None)


class Clock:
    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class House:
    store: MemoryStore
    clock: Clock
    directory: Directory
    passwords: Passwords
    tokens: Tokens
    login: Login
    authenticator: Authenticator
    administration: Administration
    made: Credentials

    @property
    def admin(self) -> User:
        user = self.directory.user_named(self.directory.snapshot.domains[0].id, self.made.user_name)
        assert user is not None
        return user

    async def from_elsewhere(self, row: IdentityRecord, **changes: object) -> None:
        """Another server changes a record."""
        await self.store.written_by_another_server(msgspec.structs.replace(row, **changes))


def ignore(credentials: Credentials) -> None:
    """Keeps nothing."""


async def open_house(folder: Path, *, capacity: int = 100, given: Given | None = None) -> House:
    store, clock = MemoryStore(), Clock()
    directory = Directory(store, Sealer(folder / "secret.key"))
    passwords = Passwords(CHEAP)
    outcome = await bootstrap(directory, passwords, given or Given(), now_ms=clock(), keep=ignore)
    assert outcome.created is not None
    tokens = Tokens(store, directory, clock, capacity=capacity)
    return House(
        store=store,
        clock=clock,
        directory=directory,
        passwords=passwords,
        tokens=tokens,
        login=Login(directory, passwords, Throttle(), tokens, clock),
        authenticator=Authenticator(directory, tokens, clock),
        administration=Administration(directory, passwords, clock),
        made=outcome.created,
    )
