"""Users, access keys, workspaces and roles, changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.iam.house import open_house

from arkwright.errors import AlreadyExists, Code, IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Role


def test_a_user_is_created_disabled_and_enabled(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        domain = house.admin.domain_id
        made = await house.administration.create_user(domain, "ann")
        assert made.password not in repr(made)
        found = house.directory.user_named(domain, "ann")
        assert found == made.user
        assert not made.user.administrator
        assert (await house.passwords.verify(made.user.password_hash, made.password)).correct
        await house.administration.disable_user(made.user.id)
        assert (house.directory.user(made.user.id) or made.user).enabled is False
        await house.administration.enable_user(made.user.id)
        assert (house.directory.user(made.user.id) or made.user).enabled is True

    asyncio.run(scenario())


def test_a_users_name_is_unique_in_the_domain_also_when_asked_twice_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        answers = await asyncio.gather(
            *(house.administration.create_user(house.admin.domain_id, "ann") for _ in range(3)), return_exceptions=True
        )
        assert sum(isinstance(answer, AlreadyExists) for answer in answers) == 2
        assert len(house.directory.users_of(house.admin.domain_id)) == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", " ann", "a\tb", "x" * 65])
def test_unusable_names_are_refused(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        with pytest.raises(InvalidInput) as caught:
            await house.administration.create_user(house.admin.domain_id, name)
        assert caught.value.field == "name"
        with pytest.raises(InvalidInput):
            await house.administration.create_workspace(
                house.made.project_id, name, time_zone="UTC", created_by="admin"
            )

    asyncio.run(scenario())


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        act = house.administration
        for call in (
            act.create_user("nowhere", "ann"),
            act.disable_user("nobody"),
            act.enable_user("nobody"),
            act.reset_password("nobody"),
            act.rotate_access_key("nobody"),
            act.set_role(house.made.workspace_id, "nobody", Role.ADMIN),
            act.create_workspace("nowhere", "w", time_zone="UTC", created_by="admin"),
        ):
            with pytest.raises(NotFound) as caught:
                await call
            assert "does not exist" in caught.value.message
        for call in (act.set_role("nowhere", house.admin.id, Role.ADMIN), act.allow_local_programs("nowhere", True)):
            with pytest.raises(NotFound) as caught:
                await call
            assert caught.value.code is Code.WORKSPACE_NOT_FOUND

    asyncio.run(scenario())


def test_the_last_administrator_can_not_be_disabled(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        with pytest.raises(IllegalState):
            await house.administration.disable_user(house.admin.id)
        other = await house.administration.create_user(house.admin.domain_id, "ann", administrator=True)
        await house.administration.disable_user(house.admin.id)
        with pytest.raises(IllegalState):
            await house.administration.disable_user(other.user.id)

    asyncio.run(scenario())


def test_a_reset_password_replaces_the_old_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        new = await house.administration.reset_password(house.admin.id)
        assert (await house.passwords.verify(house.admin.password_hash, new)).correct
        assert not (await house.passwords.verify(house.admin.password_hash, house.made.password)).correct
        with pytest.raises(InvalidInput):
            await house.administration.reset_password(house.admin.id, "short")

    asyncio.run(scenario())


def test_a_rotated_access_key_replaces_the_old_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        made = await house.administration.rotate_access_key(house.admin.id)
        assert made.secret_key not in repr(made)
        keys = {key.access_key: key for key in house.directory.access_keys_of(house.admin.id)}
        assert {name: key.enabled for name, key in keys.items()} == {
            house.made.access_key: False,
            made.access_key: True,
        }
        assert house.directory.secret_key(keys[made.access_key]) == made.secret_key.encode()

    asyncio.run(scenario())


def test_local_programs_are_off_in_a_new_workspace_until_they_are_allowed(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        made = await house.administration.create_workspace(
            house.made.project_id, "sales", time_zone="Europe/Berlin", created_by="admin"
        )
        found = house.directory.workspace(house.made.project_id, made.id)
        assert (found.name, found.is_default, found.local_programs_allowed) == ("sales", False, False)
        await house.administration.allow_local_programs(made.id, True)
        assert house.directory.workspace(house.made.project_id, made.id).local_programs_allowed
        with pytest.raises(AlreadyExists):
            await house.administration.create_workspace(
                house.made.project_id, "sales", time_zone="UTC", created_by="admin"
            )

    asyncio.run(scenario())


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "GMT+8", "GMT-03:30"])
def test_known_time_zones_are_taken(tmp_path: Path, zone: str) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        made = await house.administration.create_workspace(
            house.made.project_id, "w", time_zone=zone, created_by="admin"
        )
        assert made.time_zone == zone

    asyncio.run(scenario())


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
def test_unknown_time_zones_are_refused(tmp_path: Path, zone: str) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        with pytest.raises(InvalidInput) as caught:
            await house.administration.create_workspace(house.made.project_id, "w", time_zone=zone, created_by="admin")
        assert caught.value.field == "time_zone"

    asyncio.run(scenario())


def test_a_role_is_set_changed_and_taken_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        made = await house.administration.create_user(house.admin.domain_id, "ann")
        for role in (Role.OPERATOR, Role.VIEWER):
            await house.administration.set_role(house.made.workspace_id, made.user.id, role)
            roles = {member.user_id: member.role for member in house.directory.members_of(house.made.workspace_id)}
            assert roles[made.user.id] == role
        await house.administration.set_role(house.made.workspace_id, made.user.id, None)
        members = {member.user_id for member in house.directory.members_of(house.made.workspace_id)}
        assert members == {house.admin.id}

    asyncio.run(scenario())
