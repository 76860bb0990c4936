from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from tests.cli.scripted import Scripted, scripted

from arkwright.client import (
    AccessKey,
    AnswerUnusable,
    ApiError,
    AsyncClient,
    Client,
    NotReachable,
    Password,
    Repeats,
    instances,
    jobs,
    scripts,
)
from arkwright.client.calls import Call
from arkwright.iam.signatures import parse, sha256_hex

KEY = AccessKey("AK", "the secret")
UNKEYED: Call[None] = Call(method="POST", path="jobs/x/start", read=lambda _: None)
"""A change that nobody gave a key."""


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(server: Scripted, pauses: list[float]) -> Iterator[Client]:
    with Client(server.url, project_id="p1", credential=KEY, sleep=pauses.append) as client:
        yield client


def refusal(status: int, code: str = "DLF.3051", **more: Any) -> Response:
    headers = {"X-Request-Id": "r-1", **more.pop("headers", {})}
    return JSONResponse({"error_code": code, "error_msg": "No.", **more}, status, headers)


def test_a_run_sends_its_parameters_and_reads_the_instance(server: Scripted, client: Client) -> None:
    server.answers = [JSONResponse({"instanceId": 7})]
    run = client.send(jobs.run("my job", parameters={"aaa": "1"}, wait_seconds=2))
    assert run.instance_id == 7
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", b"/v1/p1/jobs/my%20job/run-immediate", b"wait=2")
    assert json.loads(asked.body) == {"jobParams": [{"name": "aaa", "value": "1", "paramType": "variable"}]}


def test_every_kind_of_call_is_signed_so_that_the_server_accepts_it(server: Scripted, client: Client) -> None:
    server.answers = [JSONResponse({"total": 0, "jobs": []}), Response(status_code=204), Response(status_code=204)]
    client.send(jobs.find(name="é & = ?+ü", limit=5))
    client.send(scripts.edit("a/b ~", {"name": "a/b ~", "content": "ü"}))
    client.send(jobs.delete("x"))
    for asked in server.asked:
        claim = parse(asked.headers["authorization"].encode(), asked.raw_headers, now_ms=int(time.time() * 1000))
        claim.verify(
            b"the secret", method=asked.method, path=asked.path, query=asked.query, body_sha256=sha256_hex(asked.body)
        )


def test_an_error_of_the_server_arrives_with_code_hint_and_request_id(server: Scripted, client: Client) -> None:
    server.answers = [refusal(400, "DLF.0100", hint="GET …/jobs lists them.")]
    with pytest.raises(ApiError) as caught:
        client.send(jobs.get("x"))
    error = caught.value
    assert (error.status, error.error_code, error.message) == (400, "DLF.0100", "No.")
    assert (error.hint, error.request_id) == ("GET …/jobs lists them.", "r-1")


def test_an_error_of_a_proxy_arrives_too(server: Scripted, client: Client) -> None:
    server.answers = [Response("<h1>Payment required</h1>", 402)]
    with pytest.raises(ApiError) as caught:
        client.send(jobs.get("x"))
    assert caught.value.message == "HTTP 402: <h1>Payment required</h1>"


def test_an_answer_of_another_kind_is_told(server: Scripted, client: Client) -> None:
    server.answers = [Response("<h1>Welcome</h1>")]
    with pytest.raises(AnswerUnusable, match="answered something that Arkwright does not"):
        client.send(jobs.get("x"))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_run_is_repeated_under_the_same_key(
    server: Scripted, client: Client, pauses: list[float], status: int
) -> None:
    server.answers = [refusal(status), refusal(status), JSONResponse({"instanceId": 7})]
    assert client.send(jobs.run("x")).instance_id == 7
    keys = {asked.headers["idempotency-key"] for asked in server.asked}
    assert len(server.asked) == 3
    assert len(keys) == 1
    assert 0.05 <= pauses[0] <= 0.1
    assert 0.1 <= pauses[1] <= 0.2


def test_the_callers_own_key_is_sent(server: Scripted, client: Client) -> None:
    server.answers = [JSONResponse({"instanceId": 7})]
    client.send(jobs.run("x", idempotency_key="mine"))
    assert server.asked[0].headers["idempotency-key"] == "mine"


def test_a_call_that_could_act_twice_is_not_repeated_after_503(server: Scripted, client: Client) -> None:
    server.answers = [refusal(503)]
    with pytest.raises(ApiError):
        client.send(jobs.edit("x", {"name": "x"}))
    assert len(server.asked) == 1


def test_a_creation_is_repeated_under_its_key(server: Scripted, client: Client, pauses: list[float]) -> None:
    server.answers = [refusal(503), Response(status_code=204)]
    client.send(jobs.create({"name": "x"}))
    first, second = server.asked
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] != ""


def test_a_call_that_was_turned_away_is_repeated_whatever_it_is(
    server: Scripted, client: Client, pauses: list[float]
) -> None:
    server.answers = [refusal(429, headers={"Retry-After": "3"}), Response(status_code=204)]
    client.send(jobs.create({"name": "x"}))
    assert pauses == [3.0]


def test_a_400_is_final(server: Scripted, client: Client) -> None:
    server.answers = [refusal(400)]
    with pytest.raises(ApiError):
        client.send(jobs.run("x"))
    assert len(server.asked) == 1


def test_repeating_ends(server: Scripted, pauses: list[float]) -> None:
    server.answers = [refusal(503) for _ in range(3)]
    with (
        Client(server.url, project_id="p", credential=KEY, repeats=Repeats(attempts=3), sleep=pauses.append) as client,
        pytest.raises(ApiError),
    ):
        client.send(jobs.get("x"))
    assert len(pauses) == 2


def test_where_nobody_listens_the_error_says_how_to_start_a_server(pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (
        Client(url, project_id="p", credential=KEY, sleep=pauses.append) as client,
        pytest.raises(NotReachable) as caught,
    ):
        client.send(jobs.create({"name": "x"}))
    assert url in caught.value.message
    assert "arkwright serve" in caught.value.hint
    assert len(pauses) == 5, "no connection was made, so that even a create may be repeated"


@pytest.mark.parametrize(("call", "tries"), [(jobs.run("x"), 3), (jobs.create({"name": "x"}), 3), (UNKEYED, 1)])
def test_a_broken_connection_is_repeated_only_where_that_does_no_harm(call: Any, tries: int) -> None:
    """The server takes the request and hangs up: whether it acted, nobody knows."""
    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def hang_up() -> None:
            for _ in range(tries):
                connection, _ = listener.accept()
                with connection:
                    taken.append(connection.recv(65536))

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Client(url, project_id="p", credential=KEY, repeats=Repeats(attempts=3), sleep=lambda _: None) as client,
            pytest.raises(NotReachable),
        ):
            client.send(call)
        thread.join()
    assert len(taken) == tries


def test_a_password_gets_a_token_once_and_again_when_it_is_no_longer_taken(server: Scripted) -> None:
    def token(value: str) -> Response:
        return JSONResponse({"token": {}}, 201, {"X-Subject-Token": value})

    document = JSONResponse({"name": "x"})
    server.answers = [token("t1"), document, document, refusal(401), token("t2"), document]
    with Client(server.url, project_id="p1", credential=Password("anna", "pw", "dom")) as client:
        for _ in range(3):
            client.send(jobs.get("x"))
    tokens = [asked.headers.get("x-auth-token") for asked in server.asked]
    assert tokens == [None, "t1", "t1", "t1", None, "t2"]
    assert json.loads(server.asked[0].body) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": "anna", "password": "pw", "domain": {"name": "dom"}}},
            },
            "scope": {"project": {"id": "p1"}},
        }
    }


def test_a_refused_log_in_is_what_the_caller_sees(server: Scripted) -> None:
    server.answers = [refusal(401, "APIGW.0301")]
    client = Client(server.url, project_id="p1", credential=Password("anna", "wrong"))
    with client, pytest.raises(ApiError) as caught:
        client.send(jobs.get("x"))
    assert caught.value.error_code == "APIGW.0301"


def events(*records: object) -> Response:
    text = "".join(f"data: {json.dumps(record)}\n\n" for record in records)
    return Response(text, media_type="text/event-stream")


RUNNING = {"instanceId": 7, "status": "running"}
ENDED = {"instanceId": 7, "status": "success"}


def test_a_stream_that_breaks_is_opened_again_until_the_instance_has_ended(server: Scripted, client: Client) -> None:
    server.answers = [events(RUNNING), refusal(503), events(RUNNING, ENDED)]
    seen = [record["status"] for record in client.watch(instances.events("x", 7))]
    assert seen == ["running", "running", "success"]


def test_a_stream_that_is_refused_raises_the_servers_error(server: Scripted, client: Client) -> None:
    server.answers = [refusal(400, "DLF.0137")]
    with pytest.raises(ApiError) as caught:
        list(client.watch(instances.events("x", 7)))
    assert caught.value.error_code == "DLF.0137"


def test_the_asynchronous_client_does_the_same(server: Scripted) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> tuple[int, list[str]]:
        async with AsyncClient(server.url, project_id="p1", credential=KEY, sleep=sleep) as client:
            accepted = await client.send(jobs.run("x"))
            seen = [record["status"] async for record in client.watch(instances.events("x", 7))]
            with pytest.raises(ApiError):
                await client.send(jobs.get("x"))
        return accepted.instance_id, seen

    server.answers = [refusal(503), JSONResponse({"instanceId": 7}), events(RUNNING), events(ENDED), refusal(400)]
    assert asyncio.run(run()) == (7, ["running", "success"])
    assert len(pauses) == 2


def test_a_secret_is_never_shown() -> None:
    assert "the secret" not in repr(KEY)
    assert "pw" not in repr(Password("anna", "pw"))
