"""RESTAPI in a real host against a real HTTP server on the loopback interface."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executors.test_resident_kit import LIMIT_SECONDS, DoomedServer, Stage, message, output_of, play
from tests.nodes.test_restapi_web import Web, certificate_for

from arkwright.core.outcome import FailureKind, Outcome, Succeeded


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("rest"))
    yield stage
    stage.close()


@pytest.fixture
def stage(base: Stage, web: Web) -> Stage:
    """One host for all these tests, each with a server that listens where `web` does."""
    base.own = frozenset({("127.0.0.1", web.port)})
    base.settings = {}
    return base


def ask(stage: Stage, url: str, method: str = "GET", **properties: str) -> tuple[Outcome, str, str | None]:
    """Outcome, log and output."""
    context = stage.context({"url": url, "method": method, **properties})
    result: list[Outcome] = []

    async def scene() -> None:
        async with stage.server() as server:
            result.append(await server.run("restapi", context))

    play(scene)
    (outcome,) = result
    log = context.folder / "log"
    return outcome, log.read_text() if log.exists() else "", output_of(context, outcome)


# -- exchanges


def test_the_body_is_the_output(stage: Stage, web: Web) -> None:
    outcome, log, output = ask(stage, f"{web.url}/x?token=hush")
    assert outcome == Succeeded(output="output")
    assert output == '{"ok": true}'
    assert "GET" in log
    assert "200 OK" in log
    assert "hush" not in log
    ((method, path, headers, _),) = web.hits
    assert (method, path) == ("GET", "/x?token=hush")
    assert headers["host"] == f"127.0.0.1:{web.port}"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_method_headers_and_body_are_sent(stage: Stage, web: Web, method: str) -> None:
    outcome, log, _ = ask(stage, f"{web.url}/x", method, headers="X-Token=hush\nAccept=text/plain", body='{"ä": 1}')
    assert outcome == Succeeded(output="output")
    ((got, _, headers, body),) = web.hits
    assert (got, body) == (method, '{"ä": 1}'.encode())
    assert headers["x-token"] == "hush"
    assert headers["accept"] == "text/plain"
    assert headers["content-type"] == "application/json"
    assert "hush" not in log


def test_head_and_empty_answers(stage: Stage, web: Web) -> None:
    assert ask(stage, f"{web.url}/x", "HEAD")[2] == ""
    assert ask(stage, f"{web.url}/size/0", "POST")[2] == ""
    assert web.hits[1][2]["content-length"] == "0"


def test_answers_are_decoded(stage: Stage, web: Web) -> None:
    assert ask(stage, f"{web.url}/gzip")[2] == "small"
    assert ask(stage, f"{web.url}/latin")[2] == "é"


@pytest.mark.parametrize("name", ["hex", "base64", "idna", "undefined", "no-such-thing", ""])
def test_a_charset_that_is_none_for_texts_is_not_followed(stage: Stage, web: Web, name: str) -> None:
    assert ask(stage, f"{web.url}/charset/{name}")[2] == "é"


def test_a_mark_of_the_byte_order_is_no_part_of_the_answer(stage: Stage, web: Web) -> None:
    outcome, log, output = ask(stage, f"{web.url}/marked", extract="a=a")
    assert outcome == Succeeded(output="output"), log
    assert output == '{"a": 1}'
    assert "a = a: 1" in log


@pytest.mark.parametrize(("kind", "part"), [("short", "RemoteProtocolError"), ("rubbish", "DecodingError")])
def test_an_answer_that_breaks_off_or_can_not_be_unpacked_fails(stage: Stage, web: Web, kind: str, part: str) -> None:
    outcome, log, output = ask(stage, f"{web.url}/{kind}")
    assert part in message(outcome, FailureKind.ERROR)
    assert part in log
    assert output is None


@pytest.mark.parametrize("status", [400, 404, 500, 304, 301])
def test_any_status_but_2xx_fails_with_status_and_body(stage: Stage, web: Web, status: int) -> None:
    outcome, _, output = ask(stage, f"{web.url}/status/{status}")
    assert str(status) in message(outcome, FailureKind.ERROR)
    if status >= 400:
        assert "because" in message(outcome, FailureKind.ERROR)
        assert output == "because"


def test_201_succeeds(stage: Stage, web: Web) -> None:
    assert ask(stage, f"{web.url}/status/201", "POST")[0] == Succeeded(output="output")


def test_the_output_is_cut_at_a_million_characters(stage: Stage, web: Web) -> None:
    _, log, output = ask(stage, f"{web.url}/size/1500000")
    assert output == "y" * 1_000_000
    assert "cut" in log


@pytest.mark.parametrize("kind", ["big", "bomb"])
def test_a_huge_answer_is_broken_off(stage: Stage, web: Web, kind: str) -> None:
    outcome, _, _ = ask(stage, f"{web.url}/{kind}")
    assert "larger than 30 MB" in message(outcome, FailureKind.ERROR)
    if kind == "big":
        assert web.left.acquire(timeout=LIMIT_SECONDS)  # and not read any further


def test_nobody_there_is_an_error_that_names_it(stage: Stage, web: Web) -> None:
    gone = Web()
    gone.close()
    stage.own |= {("127.0.0.1", gone.port)}
    assert "ConnectError" in message(ask(stage, gone.url)[0], FailureKind.ERROR)
    assert "nowhere.invalid" in message(ask(stage, "http://nowhere.invalid/")[0], FailureKind.ERROR)


# -- the fence


def test_loopback_is_refused_but_for_the_servers_own_address(stage: Stage, web: Web) -> None:
    other = Web()
    spellings = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"]
    for host in spellings:
        assert "loopback" in message(ask(stage, f"http://{host}:{other.port}/")[0], FailureKind.REFUSED), host
    other.close()
    assert other.hits == []
    # the same name is fine where it is our own address
    assert ask(stage, f"http://localhost:{web.port}/")[0] == Succeeded(output="output")
    assert len(web.hits) == 1


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "[::]", "100.100.100.200"])
def test_metadata_and_unspecified_addresses_are_refused(stage: Stage, host: str) -> None:
    message(ask(stage, f"http://{host}/latest/meta-data/")[0], FailureKind.REFUSED)


def test_a_setting_opens_the_loopback(stage: Stage, web: Web) -> None:
    other = Web()
    stage.settings = {"allow_loopback_requests": True}
    assert ask(stage, other.url)[0] == Succeeded(output="output")
    other.close()


def test_proxies_of_the_environment_are_not_used(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.executors import test_resident_kit as kit

    plain = kit.host_environment
    proxy = {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}
    monkeypatch.setattr(kit, "host_environment", lambda: plain() | proxy)
    stage = Stage(tmp_path)
    stage.own = frozenset({("127.0.0.1", web.port)})
    assert ask(stage, web.url)[0] == Succeeded(output="output")
    stage.close()


# -- redirects


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "GET", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (302, "PUT", "PUT"),
     (307, "POST", "POST"), (308, "DELETE", "DELETE")],
)  # fmt: skip
def test_redirects_are_followed_as_browsers_do(stage: Stage, web: Web, status: int, method: str, then: str) -> None:
    body = "text" if method in ("POST", "PUT") else ""
    outcome, _, _ = ask(stage, f"{web.url}/to/{status}//end?a=b", method, body=body, headers="Authorization=mine")
    assert outcome == Succeeded(output="output")
    got, path, headers, received = web.hits[-1]
    assert (got, path) == (then, "/end?a=b")
    assert received == (body.encode() if then == method else b"")
    assert headers["authorization"] == "mine"  # the same origin
    assert ("content-type" in headers) == (bool(body) and then == method)


def test_secrets_do_not_follow_to_another_origin(stage: Stage, web: Web) -> None:
    other = Web()
    stage.own |= {("127.0.0.1", other.port)}
    headers = "Authorization=mine\nX-Auth-Token=mine\nCookie=mine\nAccept=text/plain"
    assert ask(stage, f"{web.url}/to/307/{other.url}/end", headers=headers)[0] == Succeeded(output="output")
    received = other.hits[0][2]
    other.close()
    assert "mine" not in received.values()
    assert received["accept"] == "text/plain"
    assert received["host"] == f"127.0.0.1:{other.port}"


def test_each_redirect_goes_through_the_fence(stage: Stage, web: Web) -> None:
    other = Web()
    for place in (other.url, f"http://localhost:{other.port}/", "http://169.254.169.254/latest", "http://[::1]/"):
        message(ask(stage, f"{web.url}/to/302/{place}")[0], FailureKind.REFUSED)
    other.close()
    assert other.hits == []
    for place in ("file:///etc/passwd", "ftp://example.org/", "gopher://127.0.0.1/"):
        assert "redirects" in message(ask(stage, f"{web.url}/to/302/{place}")[0], FailureKind.REFUSED)


def test_five_redirects_are_followed_and_no_more(stage: Stage, web: Web) -> None:
    def chain(length: int) -> str:
        return f"{web.url}/" + "to/302//" * length + "end"

    assert ask(stage, chain(5))[0] == Succeeded(output="output")
    assert "5 redirects" in message(ask(stage, chain(6))[0], FailureKind.ERROR)
    assert "/end" not in web.hits[-1][1].removeprefix("/to/302//end")


# -- TLS


def test_certificates_are_checked_against_the_name(stage: Stage, tmp_path: Path) -> None:
    certificate, key = certificate_for("localhost", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    web = Web(context)
    stage.own = frozenset({("127.0.0.1", web.port)})
    url = f"https://localhost:{web.port}/"
    assert "CERTIFICATE_VERIFY_FAILED" in message(ask(stage, url)[0], FailureKind.ERROR)
    stage.settings = {"ca_file": str(certificate)}
    assert ask(stage, url)[0] == Succeeded(output="output")
    assert "127.0.0.1" in message(ask(stage, f"https://127.0.0.1:{web.port}/")[0], FailureKind.ERROR)
    web.close()
    assert len(web.hits) == 1
    plain = Web()
    stage.own |= {("127.0.0.1", plain.port)}
    assert "SSL" in message(ask(stage, f"https://localhost:{plain.port}/")[0], FailureKind.ERROR)
    plain.close()


# -- stopping and crashes


def test_cancel_breaks_off_a_slow_answer(stage: Stage, web: Web) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            context = stage.context({"url": f"{web.url}/slow", "method": "GET"})
            server.executor.submit("restapi", context)
            await web.wait(web.slow)
            server.executor.cancel(context.key)
            message(await server.outcome(context), FailureKind.CANCELLED)
            await web.wait(web.left)

    play(scene)


def test_slow_answers_do_not_hold_up_others(stage: Stage, web: Web) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            slow = [stage.context({"url": f"{web.url}/slow", "method": "GET"}) for _ in range(5)]
            for context in slow:
                server.executor.submit("restapi", context)
                await web.wait(web.slow)
            quick = stage.context({"url": f"{web.url}/quick", "method": "GET"})
            assert await server.run("restapi", quick) == Succeeded(output="output")
            for context in slow:
                server.executor.cancel(context.key)
                message(await server.outcome(context), FailureKind.CANCELLED)

    play(scene)


def test_kill_9_of_the_server_does_not_send_twice(stage: Stage, web: Web) -> None:
    async def scene() -> None:
        stage.settings = {"allow_loopback_requests": True}
        contexts = [stage.context({"url": f"{web.url}/slow", "method": "POST"}, number=900 + n) for n in range(3)]
        doomed = await asyncio.to_thread(DoomedServer, stage, "restapi", contexts)
        for _ in contexts:
            await web.wait(web.slow)
        doomed.kill()
        async with stage.server() as server:
            for context in contexts:
                server.executor.attach("restapi", context)
            for context in contexts:
                server.executor.cancel(context.key)
                message(await server.outcome(context), FailureKind.CANCELLED)
        assert len(web.hits) == 3

    play(scene)


@pytest.mark.parametrize(
    ("method", "headers", "again"),
    [("GET", "", True), ("POST", "", False), ("DELETE", "", False),
     ("POST", "Idempotency-Key=k1", True)],
)  # fmt: skip
def test_kill_9_of_the_host_sends_again_only_what_is_safe(
    stage: Stage, web: Web, method: str, headers: str, again: bool
) -> None:
    async def scene() -> None:
        async with stage.server() as server:
            context = stage.context({"url": f"{web.url}/slow", "method": method, "headers": headers})
            server.executor.submit("restapi", context)
            await web.wait(web.slow)
            web.go_on.set()
            stage.kill("rest")
            outcome = await server.outcome(context)
            if again:
                assert output_of(context, outcome) == "slow"
            else:
                assert "may or may not" in message(outcome, FailureKind.LOST)
            assert len(web.hits) == (2 if again else 1)

    play(scene)
