"""The part of the stores' suite about what is written by people: definitions, identity, tokens."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from arkwright.core.identity import AccessKey, Domain, IdentityRecord, Member, Project, Token, User, Workspace
from arkwright.errors import AlreadyExists, IdempotencyConflict, InvalidInput, NotFound, StaleWrite
from arkwright.store.base import DefinitionWrite, KeptAnswer, Kind, Store
from arkwright.testing.store_records import ENGINE, HERE, NOON, THERE, MakeStore, instance, promise, write


class DefinitionSuite:
    """See `StoreSuite`."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def make_store(self) -> MakeStore:
        raise NotImplementedError

    @pytest.fixture
    async def store(self, make_store: MakeStore) -> AsyncIterator[Store]:
        store = make_store()
        await store.open()
        yield store
        await store.close()

    # ---------------------------------------------------------------- definitions

    async def test_a_new_definition_is_found_under_its_name_version_and_id(self, store: Store) -> None:
        made = await store.create_definition(HERE, Kind.JOB, write(status="STOPPED"))
        assert (made.version, made.latest_version, made.submitted_version, made.status) == (1, 1, 1, "STOPPED")
        assert made.body == write().body
        assert await store.get_definition(HERE, Kind.JOB, "job") == made
        assert await store.get_definition(HERE, Kind.JOB, "job", version=1) == made
        assert await store.get_definition(HERE, Kind.JOB, "job", submitted=True) == made
        assert await store.get_definition_version(made.id, 1) == made
        assert await store.get_definition(HERE, Kind.JOB, "job", version=2) is None
        assert await store.get_definition_version(made.id, 2) is None

    async def test_a_definition_that_was_looked_for_before_it_was_made_is_found(self, store: Store) -> None:
        await store.create_definition(HERE, Kind.JOB, write(name="other"))
        for _ in range(2):
            assert await store.get_definition(HERE, Kind.JOB, "job") is None
        made = await store.create_definition(HERE, Kind.JOB, write())
        assert await store.get_definition(HERE, Kind.JOB, "job") == made

    async def test_a_name_is_taken_per_workspace_and_kind(self, store: Store) -> None:
        await store.create_definition(HERE, Kind.JOB, write())
        with pytest.raises(AlreadyExists, match="job"):
            await store.create_definition(HERE, Kind.JOB, write())
        await store.create_definition(HERE, Kind.SCRIPT, write())
        await store.create_definition(THERE, Kind.JOB, write())
        assert await store.get_definition(THERE, Kind.SCRIPT, "job") is None

    async def test_saving_adds_a_version_and_keeps_the_others(self, store: Store) -> None:
        first = await store.create_definition(HERE, Kind.JOB, write(status="PAUSED"))
        assert await store.get_definition(HERE, Kind.JOB, "job") == first
        second = await store.save_definition(
            HERE, Kind.JOB, "job", write(body={"n": 2}, submit=False, at_ms=NOON + 9, actor="bob", directory="/d")
        )
        assert (second.version, second.submitted_version, second.status) == (2, 1, "PAUSED")
        assert (second.created_by, second.updated_by, second.updated_ms) == ("ada", "bob", NOON + 9)
        assert await store.get_definition(HERE, Kind.JOB, "job") == second
        submitted = await store.get_definition(HERE, Kind.JOB, "job", submitted=True)
        assert submitted is not None
        assert (submitted.version, submitted.latest_version, submitted.body) == (1, 2, first.body)

    async def test_a_save_that_expects_another_newest_version_changes_nothing(self, store: Store) -> None:
        def expecting(version: int, body: dict[str, Any]) -> DefinitionWrite:
            return dataclasses.replace(write(body=body), expected_version=version)

        await store.create_definition(HERE, Kind.JOB, write())
        saved = await store.save_definition(HERE, Kind.JOB, "job", expecting(1, {"n": 2}))
        with pytest.raises(StaleWrite, match="version 2 now"):
            await store.save_definition(HERE, Kind.JOB, "job", expecting(1, {"n": 3}))
        assert await store.get_definition(HERE, Kind.JOB, "job") == saved
        versions = await store.definition_versions(saved.id, offset=0, limit=10)
        assert [(each.version, each.created_by) for each in versions] == [(2, "ada"), (1, "ada")]
        assert versions[0].body == {"n": 2}
        assert [each.version for each in await store.definition_versions(saved.id, offset=1, limit=1)] == [1]

    async def test_a_definition_that_was_never_submitted_has_no_submitted_version(self, store: Store) -> None:
        await store.create_definition(HERE, Kind.JOB, write(submit=False))
        assert await store.get_definition(HERE, Kind.JOB, "job", submitted=True) is None

    async def test_a_renamed_definition_keeps_its_id_and_is_known_by_both_names(self, store: Store) -> None:
        made = await store.create_definition(HERE, Kind.JOB, write("Old"))
        await store.create_definition(HERE, Kind.JOB, write("taken"))
        with pytest.raises(AlreadyExists, match="taken"):
            await store.save_definition(HERE, Kind.JOB, "Old", write("taken"))
        renamed = await store.save_definition(HERE, Kind.JOB, "Old", write("New"))
        assert renamed.id == made.id
        assert await store.get_definition(HERE, Kind.JOB, "Old") is None
        for name, precise in (("Old", True), ("New", True), ("oL", False), ("NEW", False)):
            assert list(await store.definition_ids(HERE, Kind.JOB, name=name, precise=precise)) == [made.id]
        assert list(await store.definition_ids(HERE, Kind.JOB, name="old", precise=True)) == []
        assert list(await store.definition_ids(THERE, Kind.JOB, name="Old", precise=True)) == []

    async def test_a_deleted_definition_frees_its_name_and_keeps_its_versions(self, store: Store) -> None:
        made = await store.create_definition(HERE, Kind.JOB, write())
        await store.delete_definition(HERE, Kind.JOB, "job")
        assert await store.get_definition(HERE, Kind.JOB, "job") is None
        kept = await store.get_definition_version(made.id, 1)
        assert kept is not None
        assert kept.body == made.body
        again = await store.create_definition(HERE, Kind.JOB, write())
        assert list(await store.definition_ids(HERE, Kind.JOB, name="job", precise=True)) == sorted([made.id, again.id])
        assert (await store.list_definitions(HERE, Kind.JOB)).total == 1

    async def test_the_status_of_a_definition_changes_alone(self, store: Store) -> None:
        made = await store.create_definition(HERE, Kind.JOB, write(status="STOPPED"))
        await store.set_definition_status(HERE, Kind.JOB, "job", "SCHEDULING")
        found = await store.get_definition(HERE, Kind.JOB, "job")
        assert found is not None
        assert (found.status, found.version) == ("SCHEDULING", made.version)

    @pytest.mark.parametrize("name", ["nobody", "nul\0", "half\ud83d"], ids=["nobody", "nul", "half"])
    async def test_a_definition_that_is_not_there_is_not_found(self, store: Store, name: str) -> None:
        await store.create_definition(HERE, Kind.JOB, write())
        assert await store.get_definition(HERE, Kind.JOB, name) is None
        with pytest.raises(NotFound, match="There is no job"):
            await store.save_definition(HERE, Kind.JOB, name, write())
        with pytest.raises(NotFound, match="There is no job"):
            await store.set_definition_status(HERE, Kind.JOB, name, "X")
        with pytest.raises(NotFound, match="There is no job"):
            await store.delete_definition(HERE, Kind.JOB, name)
        assert (await store.list_definitions(HERE, Kind.JOB, name_contains=name)).total == 0
        with pytest.raises(InvalidInput):
            await store.create_definition(HERE, Kind.JOB, write("nul\0"))
        with pytest.raises(InvalidInput, match="surrogate"):
            await store.create_definition(HERE, Kind.JOB, write("half\ud83d"))
        with pytest.raises(InvalidInput, match="can't hold"):
            await store.create_definition(HERE, Kind.JOB, write(category="half\ud83d"))

    async def test_definitions_are_listed_newest_first_with_their_total(self, store: Store) -> None:
        for i in range(7):
            category = "REAL_TIME" if i % 2 else "BATCH"
            await store.create_definition(HERE, Kind.JOB, write(f"Job_{i}", at_ms=NOON + i, category=category))
        await store.save_definition(HERE, Kind.JOB, "Job_1", write("Job_1", category="BATCH", at_ms=NOON + 50))
        await store.delete_definition(HERE, Kind.JOB, "Job_6")

        async def names(**query: Any) -> tuple[int, list[str]]:
            page = await store.list_definitions(HERE, Kind.JOB, **query)
            return page.total, [item.name for item in page.items]

        assert await names() == (6, [f"Job_{i}" for i in (5, 4, 3, 2, 1, 0)])
        assert await names(offset=2, limit=2) == (6, ["Job_3", "Job_2"])
        assert await names(offset=6) == (6, [])
        assert await names(category="BATCH") == (4, ["Job_4", "Job_2", "Job_1", "Job_0"])
        assert await names(category="REAL_TIME") == (2, ["Job_5", "Job_3"])
        assert await names(name_contains="jOB_3") == (1, ["Job_3"])
        assert await names(name_contains="_", limit=1, offset=5) == (6, ["Job_0"])
        assert await names(name_contains="%") == (0, [])
        assert await names(name_contains="_4", category="REAL_TIME") == (0, [])
        assert (await store.list_definitions(THERE, Kind.JOB)).total == 0

    async def test_one_of_two_creators_of_a_name_wins(self, store: Store) -> None:
        names = ["same", "other", "same", "third"]
        answers = await asyncio.gather(
            *[store.create_definition(HERE, Kind.JOB, write(name)) for name in names], return_exceptions=True
        )
        assert [isinstance(answer, AlreadyExists) for answer in answers].count(True) == 1
        assert (await store.list_definitions(HERE, Kind.JOB)).total == 3

    async def test_a_reader_never_sees_an_older_version_than_was_acknowledged(self, store: Store) -> None:
        await store.create_definition(HERE, Kind.JOB, write())
        acknowledged = 1

        async def save() -> None:
            nonlocal acknowledged
            for _ in range(30):
                acknowledged = (await store.save_definition(HERE, Kind.JOB, "job", write())).version

        async def read() -> None:
            seen = 0
            while acknowledged < 31:
                at_least = max(acknowledged, seen)
                found = await store.get_definition(HERE, Kind.JOB, "job", submitted=True)
                await asyncio.sleep(0)
                assert found is not None
                assert found.version >= at_least
                seen = found.version

        await asyncio.gather(save(), read(), read(), read())

    # ---------------------------------------------------------------- identity

    async def test_identity_records_are_replaced_by_key(self, store: Store, make_store: MakeStore) -> None:
        user = User(id="u1", name="ada", domain_id="d", password_hash="x")  # noqa: S106
        key = AccessKey(access_key="AK", sealed_secret=b"\0\xff", user_id="u1")
        member = Member(workspace_id="w1", user_id="u1", role="viewer")
        workspace = Workspace(
            id="w1", name="default", project_id="p1", is_default=True, time_zone="UTC", local_programs_allowed=True
        )
        records: list[IdentityRecord] = [
            Domain(id="d", name="D"),
            Project(id="p1", name="P", domain_id="d"),
            user,
            workspace,
            member,
            key,
        ]
        await store.write_identity(records)
        await store.write_identity(
            [msgspec.structs.replace(member, role="admin"), Member(workspace_id="w1", user_id="u2", role="viewer")]
        )
        await store.write_identity([])
        await store.close()
        again = make_store()
        await again.open()
        found = await again.read_identity()
        await again.close()
        assert (list(found.users), list(found.workspaces), list(found.access_keys)) == ([user], [workspace], [key])
        assert {(m.user_id, m.role) for m in found.members} == {("u1", "admin"), ("u2", "viewer")}

    async def test_tokens_and_keys_are_kept_until_they_expire(self, store: Store) -> None:
        token = Token(
            token_hash=b"\0h", user_id="u", project_id=None, domain_id="d", issued_ms=NOON, expires_ms=NOON + 10
        )
        await store.put_token(token)
        await store.put_token(msgspec.structs.replace(token, token_hash=b"gone"))
        await store.delete_token(b"gone")
        await store.delete_token(b"never there")
        first = await store.create_instance(instance(store), owner=ENGINE, idempotency=promise(expires_ms=NOON + 10))
        await store.purge(now_ms=NOON + 9)
        assert await store.get_token(b"\0h") == token
        assert await store.get_token(b"gone") is None
        assert (await store.create_instance(instance(store), owner=ENGINE, idempotency=promise())).replayed
        await store.purge(now_ms=NOON + 10)
        assert await store.get_token(b"\0h") is None
        fresh = await store.create_instance(instance(store), owner=ENGINE, idempotency=promise())
        assert fresh.instance_id != first.instance_id

    # ---------------------------------------------------------------- answers

    async def test_a_promise_is_there_if_the_write_that_it_came_with_is(self, store: Store) -> None:
        assert await store.find_answer("s", "k", now_ms=NOON) is None
        with store.promising(promise(), now_ms=NOON):
            await store.create_definition(HERE, Kind.JOB, write())
        found = await store.find_answer("s", "k", now_ms=NOON)
        assert found == KeptAnswer(request_digest="d", status=0)

    async def test_a_write_that_fails_leaves_the_promise_to_the_next_one(self, store: Store) -> None:
        await store.create_definition(HERE, Kind.JOB, write())
        with store.promising(promise(), now_ms=NOON):
            with pytest.raises(AlreadyExists):
                await store.create_definition(HERE, Kind.JOB, write())
            assert await store.find_answer("s", "k", now_ms=NOON) is None
            await store.set_definition_status(HERE, Kind.JOB, write().name, "PAUSED")
        assert await store.find_answer("s", "k", now_ms=NOON) is not None

    async def test_a_write_whose_promise_somebody_else_holds_changes_nothing(self, store: Store) -> None:
        with store.promising(promise(), now_ms=NOON):
            await store.create_definition(HERE, Kind.JOB, write())
        with store.promising(promise(), now_ms=NOON), pytest.raises(IdempotencyConflict):
            await store.delete_definition(HERE, Kind.JOB, write().name)
        assert await store.get_definition(HERE, Kind.JOB, write().name) is not None

    async def test_an_answer_is_kept_until_it_expires(self, store: Store) -> None:
        answer = KeptAnswer(request_digest="d", status=200, sealed_body=b"\0sealed")
        await store.keep_answer(promise(expires_ms=NOON + 10), answer)
        assert await store.find_answer("s", "k", now_ms=NOON + 9) == answer
        assert await store.find_answer("s", "k", now_ms=NOON + 10) is None
        with store.promising(promise(expires_ms=NOON + 99), now_ms=NOON + 10):
            await store.write_identity([Member(workspace_id="w1", user_id="u1", role="viewer")])
        assert await store.find_answer("s", "k", now_ms=NOON + 10) == KeptAnswer(request_digest="d", status=0)
        await store.purge(now_ms=NOON + 99)
        assert await store.find_answer("s", "k", now_ms=NOON) is None

    async def test_a_submitted_and_a_newer_version_are_written_together(self, store: Store) -> None:
        both = dataclasses.replace(write(submit=False), submitted_body={"state": "submitted"})
        made = await store.create_definition(HERE, Kind.JOB, both)
        assert (made.version, made.latest_version, made.submitted_version, made.body) == (2, 2, 1, both.body)
        saved = await store.save_definition(HERE, Kind.JOB, both.name, both)
        assert (saved.version, saved.latest_version, saved.submitted_version) == (4, 4, 3)
        submitted = await store.get_definition(HERE, Kind.JOB, both.name, submitted=True)
        assert submitted is not None
        assert (submitted.version, submitted.body) == (3, {"state": "submitted"})
