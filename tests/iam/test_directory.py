"""Look-ups, the workspace header's rule, the project look-up by region, and keeping up with other servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.iam.house import House, open_house

from arkwright.core.identity import Domain, IdentitySnapshot, Project, Workspace
from arkwright.errors import Code, NotFound, StoreUnavailable
from arkwright.iam.model import Method


def workspace(workspace_id: str, project_id: str, *, is_default: bool = False) -> Workspace:
    return Workspace(
        id=workspace_id,
        name=workspace_id,
        project_id=project_id,
        is_default=is_default,
        time_zone="UTC",
        local_programs_allowed=False,
    )


@pytest.mark.parametrize("header", [None, "", "  "])
def test_without_a_header_the_default_workspace_is_meant(tmp_path: Path, header: str | None) -> None:
    house = asyncio.run(open_house(tmp_path))
    assert house.directory.workspace(house.made.project_id, header).name == "default"


def test_the_header_names_a_workspace_of_the_project_by_id(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        domain = house.directory.snapshot.domains[0]
        await house.store.written_by_another_server(
            Project(id="p2", name="two", domain_id=domain.id),
            workspace("w1", house.made.project_id),
            workspace("w2", "p2"),
        )
        await house.directory.refresh()
        assert house.directory.workspace(house.made.project_id, "w1").id == "w1"
        for project, header in ((house.made.project_id, "w2"), (house.made.project_id, "nowhere"), ("p2", "w1")):
            with pytest.raises(NotFound) as caught:
                house.directory.workspace(project, header)
            assert caught.value.code is Code.WORKSPACE_NOT_FOUND
            assert header in caught.value.message
        with pytest.raises(NotFound) as caught:
            house.directory.workspace("p2", None)
        assert caught.value.code is Code.WORKSPACE_NOT_FOUND

    asyncio.run(scenario())


def test_any_region_name_means_the_only_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        domain = house.directory.snapshot.domains[0]
        listed = house.directory.projects_by_region
        for name in ("eu-de", "cn-north-4", "anything", house.made.project_name):
            assert [project.id for project in listed(domain.id, name)] == [house.made.project_id]
        assert listed("another domain", "eu-de") == []

        await house.store.written_by_another_server(Project(id="p2", name="eu-de", domain_id=domain.id))
        await house.directory.refresh()
        assert [project.id for project in listed(domain.id, "eu-de")] == ["p2"]
        assert listed(domain.id, "cn-north-4") == []

    asyncio.run(scenario())


def test_a_scope_names_the_only_project_by_its_name_or_like_a_region(tmp_path: Path) -> None:
    house = asyncio.run(open_house(tmp_path))
    domain = house.directory.snapshot.domains[0]
    for name in ("arkwright", "eu-de", "cn-north-4", "ap-southeast-3", "eu-de_sales"):
        project = house.directory.project_for_scope(domain.id, name)
        assert project is not None, name
        assert project.id == house.made.project_id
    for name in ("", "nosuch", "Arkwright", "eu", "de_sales"):
        assert house.directory.project_for_scope(domain.id, name) is None, name


def test_users_are_found_by_id_and_by_name_in_their_domain(tmp_path: Path) -> None:
    house = asyncio.run(open_house(tmp_path))
    admin = house.admin
    assert house.directory.user(admin.id) == admin
    assert house.directory.user_named("another domain", "admin") is None
    assert house.directory.users_of(admin.domain_id) == [admin]
    assert house.directory.domain(admin.domain_id) == house.directory.domain_named("arkwright")
    assert house.directory.only_domain() == house.directory.domain(admin.domain_id)
    assert [key.access_key for key in house.directory.access_keys_of(admin.id)] == [house.made.access_key]
    assert [member.role for member in house.directory.members_of(house.made.workspace_id)] == ["admin"]


def test_nobody_acts_in_a_project_of_another_domain(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await house.store.written_by_another_server(
            Domain(id="d2", name="other"), Project(id="p2", name="two", domain_id="d2")
        )
        await house.directory.refresh()
        assert house.directory.actor(house.admin, "p2", Method.AKSK) is None
        assert house.directory.actor(house.admin, "nowhere", Method.AKSK) is None
        assert house.directory.actor(house.admin, house.made.project_id, Method.AKSK) is not None
        assert house.directory.only_domain() is None

    asyncio.run(scenario())


def test_it_reads_again_only_after_a_change(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        reads = house.store.reads
        await asyncio.gather(*(house.directory.refresh() for _ in range(10)))
        assert house.store.reads == reads
        await house.from_elsewhere(house.admin, enabled=False)
        await asyncio.gather(*(house.directory.refresh() for _ in range(10)))
        assert house.store.reads == reads + 1
        assert not house.admin.enabled

    asyncio.run(scenario())


def test_a_change_during_a_read_is_read_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        read = house.store.read_identity

        async def read_and_be_late() -> IdentitySnapshot:
            snapshot = await read()
            house.store.read_identity = read  # type: ignore[method-assign]
            await house.from_elsewhere(house.admin, enabled=False)
            return snapshot

        house.store.read_identity = read_and_be_late  # type: ignore[method-assign]
        await house.directory.load()
        await house.directory.refresh()
        assert not house.admin.enabled

    asyncio.run(scenario())


def test_a_store_that_fails_fails_the_request_and_is_asked_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        read = house.store.read_identity

        async def fail() -> IdentitySnapshot:
            raise StoreUnavailable

        house.store.read_identity = fail  # type: ignore[method-assign]
        await house.from_elsewhere(house.admin, enabled=False)
        with pytest.raises(StoreUnavailable):
            await house.directory.refresh()
        house.store.read_identity = read  # type: ignore[method-assign]
        await house.directory.refresh()
        assert not house.admin.enabled

    asyncio.run(scenario())


def test_an_unknown_role_of_a_newer_program_grants_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        house: House = await open_house(tmp_path)
        member = house.directory.snapshot.members[0]
        await house.from_elsewhere(member, role="emperor")
        await house.directory.refresh()
        actor = house.directory.actor(house.admin, None, Method.AKSK)
        assert actor is not None
        assert actor.roles == {}
        assert house.directory.members_of(member.workspace_id) == []

    asyncio.run(scenario())
