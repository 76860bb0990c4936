"""The short way of run-immediate: it takes only plain requests, and answers as the usual way does."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.api.server import PASSWORD, PROJECT, RunningServer, log_in
from tests.examples import some
from tests.servers.database import ON_POSTGRES

from arkwright.api.direct import Direct

SHORT = not ON_POSTGRES
"""Whether a plain request goes the short way, which is there for the embedded database alone (decision 0006)."""
UNKNOWN = {"X-Unknown": "1"}
"""A harmless header that the short way doesn't know: the request goes the usual way."""


class Line:
    """A raw connection to the server: what is sent is sent as it is."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def reply(self) -> tuple[int, dict[str, str], Any]:
        status = int(self._file.readline().split()[1])
        if status == 100:
            self._file.readline()
            return self.reply()
        headers: dict[str, str] = {}
        while (line := self._file.readline().strip()) != b"":
            key, _, value = line.decode().partition(":")
            headers[key.lower()] = value.strip()
        return status, headers, json.loads(self._file.read(int(headers["content-length"])))

    def answered(self) -> bool:
        """Whether anything of a reply is there by now."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def ended(self) -> bool:
        return self._file.read(1) == b""

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@contextmanager
def line(server: RunningServer) -> Iterator[Line]:
    made = Line(server.port)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the short way said to each request that it was offered."""
    answers: list[bool] = []
    take = Direct.take

    def noted(self: Direct, data: bytes, reply: Any) -> bool:
        answers.append(take(self, data, reply))
        return answers[-1]

    monkeypatch.setattr(Direct, "take", noted)
    return answers


@pytest.fixture
def plain(server: RunningServer, name: str) -> str:
    """A job that was run once, so that everything about it is in hand."""
    server.save_job(f"direct_{name}", {"name": "a", "type": "Dummy"})
    server.start(f"direct_{name}")
    return f"direct_{name}"


def request(server: RunningServer, job: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    given = {
        "Host": "127.0.0.1",
        "X-Auth-Token": server.client.headers["X-Auth-Token"],
        **({"Content-Type": "application/json"} if body else {}),
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    head = "".join(f"{key}: {value}\r\n" for key, value in given.items())
    return f"POST /v1/{PROJECT}/jobs/{job}/run-immediate HTTP/1.1\r\n{head}\r\n".encode() + body


BODY = b'{"jobParams":[{"name":"aaa","value":"111","paramType":"variable"}]}'


def test_both_ways_answer_alike(server: RunningServer, plain: str, taken: list[bool]) -> None:
    with line(server) as wire:
        wire.send(request(server, plain, BODY))
        status, headers, short = wire.reply()
        wire.send(request(server, plain, BODY, UNKNOWN))
        usual_status, usual_headers, usual = wire.reply()
    assert taken == [SHORT, False]
    assert (status, list(short)) == (usual_status, list(usual)) == (200, ["instanceId"])
    assert headers.keys() == usual_headers.keys()
    assert headers["x-request-id"] != usual_headers["x-request-id"]
    assert {len(headers["x-request-id"]), len(usual_headers["x-request-id"])} == {32}
    instances = [server.client.get(f"jobs/instances/detail?jobName={plain}").json()["instances"]]
    assert {each["instanceId"] for each in instances[0]} >= {short["instanceId"], usual["instanceId"]}


def test_its_instance_has_the_parameters_and_runs(server: RunningServer, name: str, taken: list[bool]) -> None:
    job = f"direct_{name}"
    node = {"name": "a", "type": "Shell", "properties": [{"name": "statement", "value": "echo $ARKWRIGHT_PARAM_AAA"}]}
    server.save_job(job, node)
    server.start(job)
    with line(server) as wire:
        wire.send(request(server, job, BODY))
        instance_id = wire.reply()[2]["instanceId"]
    assert taken[-1] is SHORT
    log = f"jobs/{job}/instances/{instance_id}/nodes/a/log"
    with server.client.stream("GET", log, headers={"Accept": "text/event-stream"}) as events:
        assert "111" in "".join(events.iter_text())


@pytest.mark.parametrize(
    "more",
    [
        {"Idempotency-Key": "one"},
        {"Expect": "100-continue"},
        {"Transfer-Encoding": "identity"},
        {"Authorization": "SDK-HMAC-SHA256 Access=x"},
        {"Connection": "close"},
        {"Content-Type": "text/plain"},
        {"X-Auth-Token": "gAAAAAnobody"},
        {"workspace": "nowhere"},
    ],
)
def test_it_leaves_what_is_not_plain_to_the_usual_way(
    server: RunningServer, plain: str, taken: list[bool], more: dict[str, str]
) -> None:
    with line(server) as wire:
        wire.send(request(server, plain, BODY, more))
        try:
            status = wire.reply()[0]
        except ValueError:  # a refusal of the HTTP layer has a text for a body
            status = 400
    assert taken == [False]
    assert 200 <= status < 500


def test_a_body_that_comes_later_goes_the_usual_way(server: RunningServer, plain: str, taken: list[bool]) -> None:
    whole = request(server, plain, BODY)
    with line(server) as wire:
        wire.send(whole[: -len(BODY)])
        wire.send(whole[-len(BODY) :])
        assert wire.reply()[0] == 200
        wire.send(whole)
        assert wire.reply()[0] == 200
    assert taken[-1] is SHORT  # the connection is between two requests again


def test_requests_sent_without_waiting_are_answered_in_their_order(
    server: RunningServer, plain: str, taken: list[bool]
) -> None:
    mixed = [request(server, plain, BODY), request(server, "direct_unknown"), request(server, plain, BODY, UNKNOWN)]
    get = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    with line(server) as wire:
        wire.send(request(server, plain, BODY))
        for each in (*mixed, get):
            wire.send(each)
        replies = [wire.reply() for _ in range(5)]
    assert [status for status, _, _ in replies] == [200, 200, 400, 200, 200]
    ids = [body["instanceId"] for _, _, body in replies if "instanceId" in body]
    assert ids == sorted(set(ids))
    assert len(ids) == 3
    assert replies[2][2]["error_code"] == "DLF.0100"
    assert replies[4][2] == {"status": "ok"}


def test_two_requests_in_one_piece_are_both_answered(server: RunningServer, plain: str) -> None:
    with line(server) as wire:
        wire.send(request(server, plain, BODY) * 2)
        first, second = wire.reply(), wire.reply()
    assert first[0] == second[0] == 200
    assert first[2] != second[2]


def test_a_repeated_header_goes_the_usual_way(server: RunningServer, plain: str, taken: list[bool]) -> None:
    token = server.client.headers["X-Auth-Token"]
    once = request(server, plain, BODY)
    with line(server) as wire:
        wire.send(once.replace(b"Host:", f"x-auth-token: {token}\r\nHost:".encode(), 1))
        status, _, error = wire.reply()
    assert taken == [False]
    assert status == 401, error


def test_two_workspaces_in_one_request_are_refused_unless_they_are_one(
    server: RunningServer, plain: str, taken: list[bool]
) -> None:
    once = request(server, plain, BODY)
    with line(server) as wire:
        wire.send(once.replace(b"Host:", b"workspace: " + b"f" * 32 + b"\r\nWorkspace:\r\nHost:", 1))
        status, _, error = wire.reply()
        wire.send(once.replace(b"Host:", b"workspace:\r\nWorkspace:\r\nHost:", 1))
        same, _, _ = wire.reply()
    assert taken == [False, False]
    assert (status, error["error_code"]) == (400, "DLF.3051")
    assert "workspace was sent more than once" in error["error_msg"]
    assert same == 200


def test_a_job_saved_anew_runs_in_its_new_version(server: RunningServer, plain: str, taken: list[bool]) -> None:
    with line(server) as wire:
        wire.send(request(server, plain))
        wire.reply()
        server.client.put(
            f"jobs/{plain}",
            json={
                "name": plain,
                "processType": "BATCH",
                "schedule": {"type": "EXECUTE_ONCE"},
                "nodes": [{"name": "b", "type": "Dummy"}],
            },
        ).raise_for_status()
        wire.send(request(server, plain))
        instance_id = wire.reply()[2]["instanceId"]
    history = f"jobs/{plain}/instances/{instance_id}/events"
    with server.client.stream("GET", history, headers={"Accept": "text/event-stream"}) as events:
        list(events.iter_text())  # until it has ended
    detail = server.client.get(f"jobs/{plain}/instances/{instance_id}").json()
    assert [node["nodeName"] for node in detail["nodes"]] == ["b"]
    assert taken[0] is SHORT


def test_a_head_known_from_before_means_nothing_once_its_user_may_no_more(
    server: RunningServer, plain: str, name: str, taken: list[bool]
) -> None:
    user = f"direct_{name}"
    server.client.post("users", json={"name": user, "password": PASSWORD}).raise_for_status()
    token = log_in(server.url, user=user).headers["X-Subject-Token"]
    same = request(server, plain, headers={"X-Auth-Token": token})

    def role(role: str | None) -> None:
        server.client.put(f"users/{user}/role", json={"role": role}).raise_for_status()

    with line(server) as wire:

        def sent() -> int:
            wire.send(same)
            return wire.reply()[0]

        assert sent() == 403
        role("operator")
        assert [sent() for _ in range(2)] == [200, 200]
        assert taken[-1] is SHORT, "the second time the head is known"
        role("viewer")
        assert [sent() for _ in range(2)] == [403, 403]
        role("operator")
        assert [sent() for _ in range(2)] == [200, 200]
        assert taken[-1] is SHORT
        server.client.post(f"users/{user}/disable").raise_for_status()
        assert [sent() for _ in range(2)] == [401, 401]


def test_a_deleted_job_is_unknown_at_once(server: RunningServer, plain: str) -> None:
    with line(server) as wire:
        wire.send(request(server, plain))
        assert wire.reply()[0] == 200
        server.client.delete(f"jobs/{plain}").raise_for_status()
        wire.send(request(server, plain))
        status, _, error = wire.reply()
    assert (status, error["error_code"]) == (400, "DLF.0100")


_entry = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["aaa", "b.b-b_b", "", "a b", "ä", "x" * 64, "x" * 65]) | st.integers() | st.none(),
        "value": st.sampled_from(["", "1", "${aaa}", "v" * 1024, "v" * 1025, "\u0000", "ü"])
        | st.integers()
        | st.none(),
        "paramType": st.sampled_from(["variable", "constants", "other", None, 3]),
        "type": st.sampled_from(["variable", "constants", None]),
        "more": st.just({"deep": [1]}),
    },
)
_document = st.fixed_dictionaries(
    {},
    optional={
        "jobParams": st.lists(_entry, max_size=3) | st.sampled_from([None, {}, "x"]),
        "useExecutionUser": st.sampled_from([True, False, "true", "false", "FALSE", "", None, 1]),
        "job_path": st.sampled_from(["", None, "/", "/elsewhere"]),
        "unknown": st.integers() | st.sampled_from([["x"], {"a": None}]),
    },
)
_bodies = _document.map(lambda each: json.dumps(each).encode()) | st.sampled_from(
    [
        *(b"", b" ", b"[]", b"null", b"{", b"\xff"),
        *(b'{"x":1e400}', b'{"x":"\xff"}', b'{"x":"\\ud800"}', b'{"jobParams":[{"name":"a","value":"1","x":1e400}]}'),
        b'{"jobParams":[{"name":"a","value":"1"},{"name":"a","value":"2"}]}',
    ]
)


@settings(max_examples=some(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_bodies)
@example(body=b'{"x":1e400}')
@example(body=b'{"x":"\xff"}')
def test_whatever_is_sent_both_ways_decide_the_same(server: RunningServer, plain: str, body: bytes) -> None:
    with line(server) as wire:
        wire.send(request(server, plain, body))
        status, _, short = wire.reply()
        wire.send(request(server, plain, body, UNKNOWN))
        usual_status, _, usual = wire.reply()
    assert status == usual_status
    if status == 200:
        assert list(short) == list(usual) == ["instanceId"]
        parameters = [server.client.get(f"jobs/{plain}/instances/{each['instanceId']}") for each in (short, usual)]
        assert {each.status_code for each in parameters} == {200}
    else:
        assert short == usual
