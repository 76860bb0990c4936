"""From a request to an actor: tokens, signatures, whose project it is, and what is refused how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.iam.house import House, open_house

from arkwright.core.identity import Domain, Project
from arkwright.errors import ArkwrightError, Forbidden, Unauthenticated
from arkwright.iam import signatures
from arkwright.iam.authentication import Authenticator, Request
from arkwright.iam.model import Actor, Method, Role

TOKEN = b"x-auth-token"


def request(*headers: tuple[bytes, bytes], method: str = "GET", path: bytes = b"/v1/p/jobs") -> Request:
    return Request(method=method, path=path, query=b"", headers=[(b"host", b"arkwright"), *headers])


def signed(house: House, *, body: bytes = b"", headers: dict[str, str] | None = None, secret: str = "") -> Request:
    sent = {"Host": "arkwright", **(headers or {})}
    added = signatures.sign(
        method="POST",
        path="/v1/p/jobs",
        query="a=b",
        headers=sent,
        body=body,
        access_key=house.made.access_key,
        secret_key=secret or house.made.secret_key,
        now_ms=house.clock(),
    )
    wire = [(name.lower().encode(), value.encode()) for name, value in {**sent, **added}.items()]
    return Request(method="POST", path=b"/v1/p/jobs", query=b"a=b", headers=wire)


async def no_body() -> bytes:
    return b""


async def never_read() -> bytes:
    raise AssertionError("the body was read")


async def refused(house: House, asked: Request, kind: type[ArkwrightError], project_id: str | None = None) -> str:
    with pytest.raises(kind) as caught:
        await house.authenticator.authenticate(asked, no_body, project_id=project_id)
    assert type(caught.value) is kind
    return str(caught.value)


async def token(house: House, project_id: str | None) -> bytes:
    return (await house.tokens.issue(house.admin, project_id)).text.encode()


def test_without_a_credential_the_answer_names_both_headers_and_how_to_get_a_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        for asked in (request(), request((TOKEN, b"")), request((TOKEN, b""), (b"authorization", b""))):
            text = await refused(house, asked, Unauthenticated)
            assert "X-Auth-Token" in text
            assert "Authorization" in text
            assert "POST /v3/auth/tokens" in text

    asyncio.run(scenario())


def test_a_token_is_good_for_its_own_project_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        text = await token(house, house.made.project_id)
        asked = request((TOKEN, text))
        for project in (house.made.project_id, None):
            actor = await house.authenticator.authenticate(asked, never_read, project_id=project)
            assert (actor.project_id, actor.method) == (house.made.project_id, Method.PASSWORD_TOKEN)
        assert "another" in await refused(house, asked, Forbidden, "another")
        assert house.authenticator.by_cached_token(text.decode(), house.made.project_id) == actor
        assert house.authenticator.by_cached_token(text.decode(), None) == actor
        with pytest.raises(Forbidden):
            house.authenticator.by_cached_token(text.decode(), "another")
        assert house.authenticator.by_cached_token("unknown", "another") is None

    asyncio.run(scenario())


def test_a_domain_scoped_token_is_not_good_for_a_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        asked = request((TOKEN, await token(house, None)))
        assert "domain" in await refused(house, asked, Forbidden, house.made.project_id)
        assert (await house.authenticator.authenticate(asked, never_read, project_id=None)).project_id is None

    asyncio.run(scenario())


def test_a_wrong_token_is_not_rescued_by_a_good_signature(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        good = signed(house)
        await refused(house, replace(good, headers=[*good.headers, (TOKEN, b"wrong")]), Unauthenticated)

    asyncio.run(scenario())


@pytest.mark.parametrize("name", [TOKEN, b"authorization"])
def test_a_doubled_credential_is_refused(tmp_path: Path, name: bytes) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        text = await refused(house, request((name, b"a"), (name, b"a")), Unauthenticated)
        assert "more than once" in text

    asyncio.run(scenario())


def test_a_signature_stands_for_the_keys_user_in_the_paths_project(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)

        async def body() -> bytes:
            return b'{"a":1}'

        asked = signed(house, body=b'{"a":1}')
        actor = await house.authenticator.authenticate(asked, body, project_id=house.made.project_id)
        assert actor == Actor(
            user_id=house.admin.id,
            user_name="admin",
            domain_id=house.admin.domain_id,
            domain_name="arkwright",
            project_id=house.made.project_id,
            administrator=True,
            roles={house.made.workspace_id: Role.ADMIN},
            method=Method.AKSK,
        )
        assert "does not match" in await refused(house, asked, Unauthenticated, house.made.project_id)

    asyncio.run(scenario())


def test_without_a_project_in_the_path_the_header_may_name_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        actor = await house.authenticator.authenticate(signed(house), no_body, project_id=None)
        assert actor.project_id is None
        named = signed(house, headers={"X-Project-Id": house.made.project_id})
        actor = await house.authenticator.authenticate(named, no_body, project_id=None)
        assert actor.project_id == house.made.project_id
        await refused(house, signed(house, headers={"X-Project-Id": "another"}), Forbidden)

    asyncio.run(scenario())


def test_header_and_path_must_name_one_project_of_the_users_domain(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await house.store.written_by_another_server(
            Domain(id="d2", name="other"), Project(id="p2", name="two", domain_id="d2")
        )
        named = signed(house, headers={"X-Project-Id": house.made.project_id})
        text = await refused(house, named, Forbidden, "p2")
        assert "X-Project-Id" in text
        await refused(house, signed(house), Forbidden, "p2")
        await refused(house, signed(house), Forbidden, "nowhere")

    asyncio.run(scenario())


def test_the_body_is_read_only_when_everything_else_is_good(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        unknown = signed(house)
        unknown = replace(
            unknown,
            headers=[
                (name, value.replace(house.made.access_key.encode(), b"UNKNOWN") if name == b"authorization" else value)
                for name, value in unknown.headers
            ],
        )
        old = signed(house)
        house.clock.now_ms += signatures.SKEW_MS + 1000
        for asked in (unknown, old, request((b"authorization", b"Bearer x"))):
            with pytest.raises(Unauthenticated):
                await house.authenticator.authenticate(asked, never_read, project_id=None)

    asyncio.run(scenario())


async def disable_key(house: House) -> None:
    key = house.directory.access_key(house.made.access_key)
    assert key is not None
    await house.from_elsewhere(key, enabled=False)


async def disable_user(house: House) -> None:
    await house.from_elsewhere(house.admin, enabled=False)


async def rotate(house: House) -> None:
    await house.administration.rotate_access_key(house.admin.id)


@pytest.mark.parametrize("change", [disable_key, disable_user, rotate])
def test_a_key_that_was_taken_away_stops_at_once(tmp_path: Path, change: Callable[[House], object]) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        asked = signed(house)
        await house.authenticator.authenticate(asked, no_body, project_id=None)
        await change(house)  # type: ignore[misc]
        assert house.made.access_key in await refused(house, asked, Unauthenticated)

    asyncio.run(scenario())


def test_a_reset_password_leaves_access_keys_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await house.administration.reset_password(house.admin.id)
        await house.authenticator.authenticate(signed(house), no_body, project_id=None)

    asyncio.run(scenario())


def test_a_wrong_secret_key_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await refused(house, signed(house, secret="wrong"), Unauthenticated)

    asyncio.run(scenario())


def test_a_signature_without_the_host_passes_only_where_that_is_set(tmp_path: Path) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        date = b"20260101T000000Z"
        canonical = b"GET\n/v1/p/jobs/\n\nx-sdk-date:%b\n\nx-sdk-date\n%b" % (date, signatures._EMPTY_SHA256)
        signature = signatures.signature(house.made.secret_key.encode(), date, canonical)
        value = f"SDK-HMAC-SHA256 Access={house.made.access_key}, SignedHeaders=x-sdk-date, Signature={signature}"
        asked = request((b"x-sdk-date", date), (b"authorization", value.encode()))
        assert "Host" in await refused(house, asked, Unauthenticated)
        lenient = Authenticator(house.directory, house.tokens, house.clock, require_signed_host=False)
        assert (await lenient.authenticate(asked, no_body, project_id=None)).user_id == house.admin.id

    asyncio.run(scenario())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    authorization=st.one_of(
        st.binary(min_size=1, max_size=80),
        st.from_regex(
            rb"SDK-HMAC-SHA256 Access=\w{1,20}, SignedHeaders=[a-z;-]*, Signature=[0-9a-f]{64}", fullmatch=True
        ),
    ),
    others=st.lists(
        st.tuples(st.sampled_from([b"x-sdk-date", b"x-project-id", b"content-type", b"a"]), st.binary(max_size=16)),
        max_size=4,
    ),
)
def test_garbage_is_never_anything_but_unauthenticated(
    tmp_path: Path, authorization: bytes, others: list[tuple[bytes, bytes]]
) -> None:
    async def scenario() -> None:
        house = await open_house(tmp_path)
        await refused(house, request((b"authorization", authorization), *others), Unauthenticated)

    asyncio.run(scenario())
