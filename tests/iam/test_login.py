"""Log-in: one answer to everything that is wrong, the throttle, scopes, and better hashes on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.iam.house import House, open_house

from arkwright.core.identity import Domain, Project
from arkwright.errors import InvalidInput, TooManyRequests, Unauthenticated
from arkwright.iam.keystone import parse_login
from arkwright.iam.login import Login
from arkwright.iam.passwords import Parameters, Passwords
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import IssuedToken

SOURCE = "192.0.2.1"


def body(user: dict[str, Any], scope: object = None) -> dict[str, Any]:
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope is not None:
        auth["scope"] = scope
    return {"auth": auth}


async def log_in(house: House, scope: object = None, **user: object) -> IssuedToken:
    wanted = {"name": "admin", "password": house.made.password, "domain": {"name": "arkwright"}, **user}
    return await house.login.log_in(parse_login(body(wanted, scope)), SOURCE)


async def refused(house: House, scope: object = None, **user: object) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await log_in(house, scope, **user)
    return caught.value.message


def test_a_name_or_an_id_with_the_password_gets_a_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        admin = house.admin
        for user in (
            {"domain": {"name": "arkwright"}},
            {"domain": {"id": admin.domain_id}},
            {"domain": None},
            {"name": None, "id": admin.id, "domain": None},
        ):
            issued = await log_in(house, **user)
            assert issued.actor.user_id == admin.id
            assert (await house.tokens.verify(issued.text)) == issued.actor

    asyncio.run(scenario())


def test_everything_wrong_about_a_user_is_one_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        made = await house.administration.create_user(house.admin.domain_id, "ann", password="password of ann")
        await house.administration.disable_user(made.user.id)
        messages = {
            await refused(house, password="wrong"),
            await refused(house, name="nobody"),
            await refused(house, name=None, id="nobody"),
            await refused(house, name="ann", password="password of ann"),
            await refused(house, domain={"name": "elsewhere"}),
            await refused(house, domain={"id": "elsewhere"}),
        }
        assert len(messages) == 1

    asyncio.run(scenario())


def test_with_several_domains_the_users_domain_must_be_said(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await house.store.written_by_another_server(Domain(id="d2", name="other"))
        with pytest.raises(InvalidInput) as caught:
            await log_in(house, domain=None)
        assert caught.value.field == "auth.identity.password.user.domain"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("scope", "scoped"),
    [
        (None, True),
        ("unscoped", True),
        ({"project": {"name": "arkwright"}}, True),
        ({"project": {"name": "eu-de"}}, True),
        ({"project": {"name": "eu-de", "domain": {"name": "arkwright"}}}, True),
        ({"domain": {"name": "arkwright"}}, False),
    ],
)
def test_a_token_has_the_scope_that_was_asked_for(tmp_path: Path, scope: object, scoped: bool) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await log_in(house, scope)
        assert issued.record.project_id == (house.made.project_id if scoped else None)
        assert issued.record.expires_ms - issued.record.issued_ms == 24 * 3600 * 1000

    asyncio.run(scenario())


def test_a_scope_by_id_is_taken_to_the_letter(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await log_in(house, {"project": {"id": house.made.project_id}})
        assert issued.record.project_id == house.made.project_id
        issued = await log_in(house, {"domain": {"id": house.admin.domain_id}})
        assert issued.record.project_id is None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"id": "p2"}},
        {"project": {"id": "nowhere"}},
        {"project": {"name": "nosuch"}},
        {"project": {"name": "arkwright", "domain": {"name": "other"}}},
        {"project": {"name": "arkwright", "domain": {"id": "d2"}}},
        {"domain": {"name": "other"}},
        {"domain": {"name": "nowhere"}},
        {"domain": {"id": "d2"}},
    ],
)
def test_a_scope_that_is_not_the_users_is_refused(tmp_path: Path, scope: object) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await house.store.written_by_another_server(
            Domain(id="d2", name="other"), Project(id="p2", name="two", domain_id="d2")
        )
        assert "password" not in await refused(house, scope)
        assert "password" in await refused(house, scope, password="wrong")

    asyncio.run(scenario())


def test_with_several_projects_and_no_scope_the_token_is_for_the_domain(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await house.store.written_by_another_server(Project(id="p2", name="two", domain_id=house.admin.domain_id))
        assert (await log_in(house)).record.project_id is None

    asyncio.run(scenario())


def test_guessing_is_slowed_down_even_with_the_right_password_then(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        for _ in range(6):
            await refused(house, password="wrong")
        with pytest.raises(TooManyRequests) as caught:
            await log_in(house)
        assert caught.value.retry_after_seconds == 1
        with pytest.raises(TooManyRequests):
            await log_in(house, name=None, id=house.admin.id, domain=None)
        house.clock.now_ms += 1000
        await log_in(house)
        await log_in(house)

    asyncio.run(scenario())


def test_guesses_side_by_side_are_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        answers = await asyncio.gather(*(log_in(house, password="wrong") for _ in range(50)), return_exceptions=True)
        assert sum(isinstance(answer, Unauthenticated) for answer in answers) == 6
        assert sum(isinstance(answer, TooManyRequests) for answer in answers) == 44

    asyncio.run(scenario())


def test_many_right_log_ins_side_by_side_are_not_slowed_down(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        issued = await asyncio.gather(*(log_in(house) for _ in range(50)))
        assert len({each.text for each in issued}) == 50

    asyncio.run(scenario())


def test_guessing_names_is_slowed_down_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        for _ in range(6):
            await refused(house, name="nobody")
        with pytest.raises(TooManyRequests):
            await log_in(house, name="nobody")

    asyncio.run(scenario())


def test_a_hash_of_old_parameters_is_replaced_at_log_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        stronger = Passwords(Parameters(passes=2, memory_kib=16))
        login = Login(house.directory, stronger, Throttle(), house.tokens, house.clock)
        old = house.admin.password_hash
        user = {"name": "admin", "password": house.made.password}
        issued = await login.log_in(parse_login(body(user)), SOURCE)
        assert house.admin.password_hash != old
        assert (await stronger.verify(house.admin.password_hash, house.made.password)).new_hash is None
        assert (await house.tokens.verify(issued.text)).user_id == house.admin.id

    asyncio.run(scenario())
