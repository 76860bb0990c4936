"""Tokens: 24 hours, stored hashed, ended by revocation, disabled users and reset passwords; remembered in bounds."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest
from tests.iam.house import House, open_house

from arkwright.errors import Unauthenticated
from arkwright.iam.model import Actor, Role
from arkwright.iam.tokens import LIFETIME_MS, Tokens


async def valid(house: House, text: str) -> bool:
    try:
        await house.tokens.verify(text)
    except Unauthenticated:
        return False
    return True


def test_a_token_stands_for_its_user_and_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        actor = await house.tokens.verify(issued.text)
        assert actor == issued.actor
        assert actor == Actor(
            user_id=house.admin.id,
            user_name="admin",
            domain_id=house.admin.domain_id,
            domain_name="arkwright",
            project_id=house.made.project_id,
            administrator=True,
            roles={house.made.workspace_id: Role.ADMIN},
        )
        assert actor.method == "password-token"
        assert house.tokens.cached(issued.text) is actor

    asyncio.run(scenario())


def test_a_domain_scoped_token_has_no_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, None)
        assert (await house.tokens.verify(issued.text)).project_id is None

    asyncio.run(scenario())


def test_a_token_for_somebody_elses_project_is_not_issued(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        with pytest.raises(Unauthenticated):
            await house.tokens.issue(house.admin, "0" * 32)

    asyncio.run(scenario())


def test_only_the_hash_of_a_token_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        await house.tokens.verify(issued.text)
        assert list(house.store.tokens) == [hashlib.sha256(issued.text.encode()).digest()]
        assert issued.text.encode() not in msgspec.json.encode(list(house.store.tokens.values()))
        assert issued.text not in repr(house.tokens._remembered)

    asyncio.run(scenario())


def test_tokens_are_long_opaque_and_different(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        texts = [(await house.tokens.issue(house.admin, None)).text for _ in range(20)]
        assert len({text[6:-11] for text in texts}) == 20
        assert all(len(text) == 60 and text.startswith("gAAAA") for text in texts)

    asyncio.run(scenario())


@pytest.mark.parametrize("warm", [True, False])
def test_a_token_ends_after_24_hours(tmp_path: Path, warm: bool) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        house.clock.now_ms += LIFETIME_MS - 1
        if warm:
            assert await valid(house, issued.text)
            assert house.tokens.cached(issued.text) is not None
        house.clock.now_ms += 1
        assert house.tokens.cached(issued.text) is None
        assert not await valid(house, issued.text)

    asyncio.run(scenario())


def test_a_revoked_token_ends_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        other = await house.tokens.issue(house.admin, house.made.project_id)
        assert await valid(house, issued.text)
        await house.tokens.revoke(issued.text)
        assert house.tokens.cached(issued.text) is None
        assert not await valid(house, issued.text)
        assert await valid(house, other.text)
        await house.tokens.revoke("never issued")

    asyncio.run(scenario())


def test_a_token_revoked_by_another_server_ends_with_the_next_check(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        assert await valid(house, issued.text)
        house.store.tokens.clear()
        house.clock.now_ms += 30_000
        assert house.tokens.cached(issued.text) is None
        assert not await valid(house, issued.text)

    asyncio.run(scenario())


def test_a_token_revoked_while_it_is_looked_up_is_not_remembered(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        read = house.store.get_token

        async def read_slowly(token_hash: bytes) -> object:
            record = await read(token_hash)
            await house.tokens.revoke(issued.text)
            return record

        house.store.get_token = read_slowly  # type: ignore[method-assign, assignment]
        await house.tokens.look_up(issued.text)
        house.store.get_token = read  # type: ignore[method-assign]
        assert house.tokens.cached(issued.text) is None
        assert not await valid(house, issued.text)

    asyncio.run(scenario())


def test_a_disabled_users_token_ends_at_once_also_from_another_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        assert await valid(house, issued.text)
        await house.from_elsewhere(house.admin, enabled=False)
        assert house.tokens.cached(issued.text) is None
        assert not await valid(house, issued.text)
        await house.from_elsewhere(house.admin, enabled=True)
        assert await valid(house, issued.text)

    asyncio.run(scenario())


def test_a_changed_role_counts_with_the_next_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        new = await house.administration.create_user(house.admin.domain_id, "ann")
        issued = await house.tokens.issue(new.user, house.made.project_id)
        assert (await house.tokens.verify(issued.text)).roles == {}
        await house.administration.set_role(house.made.workspace_id, new.user.id, Role.VIEWER)
        assert house.tokens.cached(issued.text) is None
        assert (await house.tokens.verify(issued.text)).roles == {house.made.workspace_id: Role.VIEWER}
        await house.administration.set_role(house.made.workspace_id, new.user.id, None)
        assert (await house.tokens.verify(issued.text)).roles == {}

    asyncio.run(scenario())


def test_a_reset_password_ends_the_users_tokens_and_no_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        new = await house.administration.create_user(house.admin.domain_id, "ann")
        hers = await house.tokens.issue(new.user, house.made.project_id)
        admins = await house.tokens.issue(house.admin, house.made.project_id)
        assert await valid(house, hers.text)
        await house.administration.reset_password(new.user.id)
        assert not await valid(house, hers.text)
        assert await valid(house, admins.text)

    asyncio.run(scenario())


@pytest.mark.parametrize("text", ["", "x", "gAAAAA", "gAAAAA" + "x" * 54, "gAAAAA" + "é" * 54, "\udcff", "x" * 100_000])
def test_texts_that_are_no_tokens_are_refused(tmp_path: Path, text: str) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        assert house.tokens.cached(text) is None
        assert not await valid(house, text)

    asyncio.run(scenario())


def test_what_can_not_be_a_token_does_not_reach_the_store(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        assert not await valid(house, "guess")
        assert house.store.token_reads == 0

    asyncio.run(scenario())


def test_memory_is_bounded_and_the_store_is_asked_once_per_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path, capacity=3)
        texts = [(await house.tokens.issue(house.admin, None)).text for _ in range(4)]
        for text in texts:
            assert await valid(house, text)
            assert await valid(house, text)
        assert house.store.token_reads == 4
        assert len(house.tokens._remembered) == 3
        assert house.tokens.cached(texts[0]) is None
        assert house.tokens.cached(texts[3]) is not None

    asyncio.run(scenario())


def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await house.tokens.issue(house.admin, house.made.project_id)
        again = Tokens(house.store, house.directory, house.clock)
        assert (await again.verify(issued.text)).user_id == house.admin.id

    asyncio.run(scenario())
