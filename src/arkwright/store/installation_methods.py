"""The store's methods about identity, tokens, the audit and kept answers, on SQL: each says which work to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

from arkwright.core.identity import IdentityRecord, IdentitySnapshot, Token
from arkwright.store import answers, audit, installation, instances
from arkwright.store.audit_record import AuditFilter, AuditRecord
from arkwright.store.base import Accepted, IdempotencyKey, KeptAnswer
from arkwright.store.sql_parts import SqlPart, possible, with_promise


class InstallationMethods(SqlPart):
    _identity_watchers: list[Callable[[], None]]

    async def append_audit(self, record: AuditRecord) -> None:
        await self._write(partial(audit.append, id_=self.next_id(), record=record))

    async def list_audit(self, where: AuditFilter, *, limit: int = 100) -> Sequence[AuditRecord]:
        if not possible(where.workspace_id, where.user_name, where.operation, where.object, where.outcome):
            return []
        return await self._read(partial(audit.list_page, where, limit))

    async def read_identity(self) -> IdentitySnapshot:
        return await self._read(installation.read_identity)

    async def write_identity(self, rows: Sequence[IdentityRecord]) -> None:
        taken = answers.take()
        with answers.given_back(taken):
            await self._write(with_promise(taken, partial(installation.write_identity, rows=rows)))

    def on_identity_changed(self, changed: Callable[[], None]) -> None:
        self._identity_watchers.append(changed)

    async def put_token(self, token: Token) -> None:
        await self._write(lambda transaction: installation.put_token(transaction, token))

    async def get_token(self, token_hash: bytes) -> Token | None:
        return await self._read(partial(installation.get_token, token_hash))

    async def list_tokens(self, user_id: str, *, now_ms: int) -> Sequence[Token]:
        return await self._read(partial(installation.list_tokens, user_id, now_ms))

    async def delete_token(self, token_hash: bytes) -> None:
        await self._write(lambda transaction: installation.delete_token(transaction, token_hash))

    def promising(self, promise: IdempotencyKey, *, now_ms: int) -> AbstractContextManager[None]:
        return answers.promising(promise, now_ms)

    async def find_answer(self, scope: str, key: str, *, now_ms: int) -> KeptAnswer | None:
        return await self._read(partial(answers.find, scope, key, now_ms))

    async def find_promised(self, promise: IdempotencyKey, *, now_ms: int) -> Accepted | None:
        return await self._read(partial(instances.promised, promise, now_ms))

    async def keep_answer(self, promise: IdempotencyKey, answer: KeptAnswer) -> None:
        await self._write(partial(answers.keep, given=promise, answer=answer))
