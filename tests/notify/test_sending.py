"""Messages on their way: real servers for mail, webhooks and chats on loopback, and what they got."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from standardwebhooks.webhooks import Webhook
from tests.notify.house import PLACE, Clock, define, in_loop, notice, opened

from arkwright.core.alerts import FailedNode, Remind
from arkwright.iam.sealing import Sealer
from arkwright.notify.message import LISTED, compose
from arkwright.notify.outcome import MailServer, NotSent
from arkwright.notify.sender import Sender
from arkwright.notify.topic import FIXED_SERVICES, MASK, checked, masked, sealed
from arkwright.store.base import Kind, Store
from arkwright.store.notice_record import StoredNotice

SECRET = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


class Web(ThreadingHTTPServer):
    """Answers as told, keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.headers, self.got = 204, {}, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=token-in-the-url"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


class Mailbox:
    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope)
        return self.answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, Controller]]:
    box = Mailbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        auth_require_tls=False,
        authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
            success=data.password == b"right-password", handled=False
        ),
    )
    controller.start()
    yield box, controller
    controller.stop()


def port_of(controller: Controller) -> int:
    assert controller.server is not None
    return int(controller.server.sockets[0].getsockname()[1])


def sender(store: Store, folder: Path, clock: Clock, **more: Any) -> Sender:
    return Sender(
        **{
            "store": store,
            "sealer": Sealer(folder / "key"),
            "now_ms": clock.now_ms,
            "mail_server": MailServer(),
            "fence": {"allow_loopback_requests": True},
            "workspace_name": lambda _: "sales",
            **more,
        }
    )


async def topic(store: Store, folder: Path, clock: Clock, document: dict[str, Any], **more: Any) -> None:
    body = sealed(checked(document, **more), PLACE, Sealer(folder / "key"), None)
    await define(store, Kind.ALERT_TOPIC, document["name"], body, at_ms=clock.now_ms())


def batch(clock: Clock, *keys: str, **changes: Any) -> list[StoredNotice]:
    return [
        StoredNotice(id=n, place=PLACE, notice=notice(clock, key, **changes), due_ms=0, batch=1, tries=1)
        for n, key in enumerate(keys, 1)
    ]


# ---------------------------------------------------------------- the text


def test_one_notice_is_told_with_all_that_is_known_and_html_is_escaped() -> None:
    clock = Clock(1_790_000_000_000)
    [one] = batch(
        clock,
        "k",
        job_name="<b>nightly</b>",
        instance_id=5,
        nodes=(FailedNode(name="load", exit_code=3), FailedNode(name="<i>", exit_code=None)),
        plan_time_ms=1_790_000_000_000,
        time_zone="Asia/Shanghai",
        detail="It failed.",
    )
    made = compose([one], workspace="sales", public_url="https://ark.example.org")
    assert made.subject == "[sales] Job <b>nightly</b> failed"
    assert "load (exit code 3), <i>" in made.text
    assert "2026-09-21 22:13:20 +0800" in made.text
    assert "arkwright instance show 5" in made.text
    assert "https://ark.example.org" in made.text
    assert "<b>" not in made.html
    assert "&lt;b&gt;nightly&lt;/b&gt;" in made.html
    assert made.data["type"] == "job.failed"
    assert made.data["timestamp"] == "2026-09-21T14:13:20.000Z"
    assert made.data["data"]["notices"][0]["failedNodes"][0] == {"name": "load", "exitCode": 3}


def test_many_notices_are_one_message_of_bounded_length() -> None:
    clock = Clock()
    many = batch(clock, *(str(n) for n in range(1000)))
    made = compose([*many, *batch(clock, "x", remind=Remind.RECOVERED)], workspace="sales")
    assert made.subject == "[sales] 1001 notices: 1000 × failed, 1 × recovered"
    assert f"and {1001 - LISTED} more" in made.text
    assert len(made.text) < 20_000
    assert len(made.data["data"]["notices"]) == 1001


def test_a_name_can_not_break_a_header() -> None:
    made = compose(batch(Clock(), "k", job_name="a\r\nBcc: x@y.org" + "b" * 300), workspace="s")
    assert "\n" not in made.subject
    assert len(made.subject) <= 200


# ---------------------------------------------------------------- webhooks


@in_loop
async def test_a_webhook_is_signed_so_that_the_standards_library_believes_it(tmp_path: Path, web: Web) -> None:
    async with opened(tmp_path) as store:
        import time

        clock = Clock(int(time.time() * 1000))
        await topic(store, tmp_path, clock, {"name": "ops", "kind": "webhook", "url": web.url, "secret": SECRET})
        sending = sender(store, tmp_path, clock)
        for _ in range(2):  # a repetition after a crash
            await sending.send(PLACE, "ops", batch(clock, "a", "b"))
        await sending.close()
        (headers, body), (again, _) = web.got
        told = Webhook(SECRET).verify(body, headers)
        assert [each["jobName"] for each in told["data"]["notices"]] == ["nightly", "nightly"]
        assert headers["webhook-id"] == again["webhook-id"] == headers["Idempotency-Key"] == "msg_1"
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(SECRET.replace("QUFB", "QkJC")).verify(body, headers)


@pytest.mark.parametrize(
    ("status", "headers", "final", "wait"),
    [
        (500, {}, False, None),
        (503, {"Retry-After": "120"}, False, 120),
        (429, {"Retry-After": "99999"}, False, 3600),
        (400, {}, True, None),
        (410, {}, True, None),
        (302, {"Location": "http://169.254.169.254/"}, True, None),
    ],
)
@in_loop
async def test_what_a_webhook_answers_decides_whether_it_is_tried_again(
    tmp_path: Path, web: Web, status: int, headers: dict[str, str], final: bool, wait: int | None
) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        web.status, web.headers = status, headers
        await topic(store, tmp_path, clock, {"name": "ops", "kind": "webhook", "url": web.url})
        sending = sender(store, tmp_path, clock)
        with pytest.raises(NotSent) as refused:
            await sending.send(PLACE, "ops", batch(clock, "a"))
        await sending.close()
        assert (refused.value.final, refused.value.retry_after_seconds) == (final, wait)
        assert "token-in-the-url" not in str(refused.value)
        assert len(web.got) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/token-in-the-url", "http://no-such-host.invalid/token-in-the-url"])
@in_loop
async def test_a_webhook_that_is_not_there_is_tried_again(tmp_path: Path, url: str) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        await topic(store, tmp_path, clock, {"name": "ops", "kind": "webhook", "url": url})
        sending = sender(store, tmp_path, clock)
        with pytest.raises(NotSent, match=r"The webhook can't be reached: .") as refused:
            await sending.send(PLACE, "ops", batch(clock, "a"))
        await sending.close()
        assert not refused.value.final
        assert "token-in-the-url" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "http://[::1]:1/"])
@in_loop
async def test_a_webhook_does_not_lead_into_the_house(tmp_path: Path, url: str) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        await topic(store, tmp_path, clock, {"name": "ops", "kind": "webhook", "url": url})
        sending = sender(store, tmp_path, clock, fence={})
        with pytest.raises(NotSent, match="may not connect") as refused:
            await sending.send(PLACE, "ops", batch(clock, "a"))
        assert refused.value.final
        await sending.close()


@in_loop
async def test_a_topic_that_is_gone_ends_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(NotSent, match="no topic 'ops'") as refused:
            await sender(store, tmp_path, Clock()).send(PLACE, "ops", batch(Clock(), "a"))
        assert refused.value.final


@in_loop
async def test_another_key_file_is_said_and_not_final(tmp_path: Path, web: Web) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        await topic(store, tmp_path, clock, {"name": "ops", "kind": "webhook", "url": web.url})
        (tmp_path / "key").write_text("00" * 32)
        (tmp_path / "key").chmod(0o600)
        with pytest.raises(NotSent, match=r"was sealed with the key .* which is not in") as refused:
            await sender(store, tmp_path, clock).send(PLACE, "ops", batch(clock, "a"))
        assert not refused.value.final


# ---------------------------------------------------------------- mail


def mail_server(controller: Controller, **more: Any) -> MailServer:
    fields = {"host": "127.0.0.1", "port": port_of(controller), "security": "none", "sender": "ark@example.org"}
    return MailServer(**{**fields, **more})


MAIL = {"name": "ops", "kind": "mail", "addresses": ["a@example.org", "b@example.org"]}


@in_loop
async def test_mail_arrives_as_text_and_html_with_one_message_id(
    tmp_path: Path, mailbox: tuple[Mailbox, Controller]
) -> None:
    box, controller = mailbox
    async with opened(tmp_path) as store:
        clock = Clock()
        await topic(store, tmp_path, clock, MAIL)
        sending = sender(
            store, tmp_path, clock, mail_server=mail_server(controller, user="u", password="right-password")
        )
        for _ in range(2):
            await sending.send(PLACE, "ops", batch(clock, "a", job_name="夜间"))
        first, second = (email.message_from_bytes(each.content, policy=default) for each in box.got)
        assert isinstance(first, EmailMessage)
        assert box.got[0].rcpt_tos == ["a@example.org", "b@example.org"]
        assert first["Subject"] == "[sales] Job 夜间 failed"
        assert first["Message-ID"] == second["Message-ID"]
        assert first["Auto-Submitted"] == "auto-generated"
        kinds = {part.get_content_type(): part.get_content() for part in first.iter_parts()}
        assert set(kinds) == {"text/plain", "text/html"}
        assert all("夜间" in text for text in kinds.values())
        assert "right-password" not in str(first)


@pytest.mark.parametrize(("answer", "final"), [("451 try later", False), ("554 no", True)], ids=["for now", "for ever"])
@in_loop
async def test_what_the_mail_server_says_decides_whether_it_is_tried_again(
    tmp_path: Path, mailbox: tuple[Mailbox, Controller], answer: str, final: bool
) -> None:
    box, controller = mailbox
    box.answer = answer
    async with opened(tmp_path) as store:
        clock = Clock()
        await topic(store, tmp_path, clock, MAIL)
        with pytest.raises(NotSent) as refused:
            await sender(store, tmp_path, clock, mail_server=mail_server(controller)).send(
                PLACE, "ops", batch(clock, "a")
            )
        assert refused.value.final is final


@in_loop
async def test_a_wrong_password_a_closed_port_and_a_server_without_tls_are_said(
    tmp_path: Path, mailbox: tuple[Mailbox, Controller]
) -> None:
    box, controller = mailbox
    async with opened(tmp_path) as store:
        clock = Clock()
        await topic(store, tmp_path, clock, MAIL)
        for server, said in (
            (mail_server(controller, user="u", password="wrong"), "refused the log-in"),
            (mail_server(controller, port=1), "can't be used"),
            (mail_server(controller, security="starttls"), "can't be used"),
            (MailServer(), "ARKWRIGHT_SMTP_HOST"),
        ):
            with pytest.raises(NotSent, match=said) as refused:
                await sender(store, tmp_path, clock, mail_server=server).send(PLACE, "ops", batch(clock, "a"))
            assert "wrong" not in str(refused.value)
        assert box.got == []


# ---------------------------------------------------------------- chats


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's, on Python 3.11
@in_loop
async def test_a_chat_is_spoken_to_by_apprise(tmp_path: Path, web: Web) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        services = FIXED_SERVICES | {"json"}
        url = f"json://127.0.0.1:{web.server_port}/chat"
        await topic(store, tmp_path, clock, {"name": "ops", "kind": "chat", "url": url}, services=services)
        web.status = 200
        await sender(store, tmp_path, clock, services=services).send(PLACE, "ops", batch(clock, "a"))
        told = json.loads(web.got[0][1])
        assert told["title"] == "[sales] Job nightly failed"
        assert "Job nightly failed" in told["message"]
        web.status = 500
        with pytest.raises(NotSent) as refused:
            await sender(store, tmp_path, clock, services=services).send(PLACE, "ops", batch(clock, "a"))
        assert not refused.value.final
        with pytest.raises(NotSent, match="not allowed"):  # by settings that were changed since
            await sender(store, tmp_path, clock).send(PLACE, "ops", batch(clock, "a"))


# ---------------------------------------------------------------- topics


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"name": "a b", "kind": "mail", "addresses": ["a@b.org"]}, "name"),
        ({"name": "a", "kind": "sms"}, "kind"),
        ({"name": "a", "kind": "mail", "addresses": []}, "addresses"),
        ({"name": "a", "kind": "mail", "addresses": ["a@b.org", "a@b.org\nBcc: x@y.org"]}, "addresses[1]"),
        ({"name": "a", "kind": "mail", "addresses": ["a@b.org"], "url": "http://x"}, "url"),
        ({"name": "a", "kind": "webhook", "url": "ftp://x/"}, "url"),
        ({"name": "a", "kind": "webhook", "url": "http://u:p@x/"}, "url"),
        ({"name": "a", "kind": "webhook", "url": "http://x/\r\nA: b"}, "url"),
        ({"name": "a", "kind": "webhook", "url": "http://x/", "secret": "short"}, "secret"),
        ({"name": "a", "kind": "chat", "url": "json://127.0.0.1/"}, "url"),
        ({"name": "a", "kind": "chat", "url": "hello"}, "url"),
        ({"name": "a", "kind": "chat"}, "url"),
    ],
)
def test_a_wrong_topic_is_refused_with_its_field(document: dict[str, Any], field: str) -> None:
    from arkwright.errors import InvalidInput

    with pytest.raises(InvalidInput) as refused:
        checked(document)
    assert refused.value.field == field


def test_what_lets_somebody_write_is_never_shown_and_a_mask_keeps_it(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "key")
    given = {"name": "hook", "kind": "webhook", "url": "https://x.example.org/secret-path?token=1", "secret": SECRET}
    kept = sealed(checked(given), PLACE, sealer, None)
    shown = masked(kept)
    assert shown == {
        "name": "hook",
        "kind": "webhook",
        "url": MASK,
        "secret": MASK,
        "target": "https://x.example.org/…",
    }
    for hidden in ("secret-path", "token=1", SECRET):
        assert hidden not in json.dumps(kept)
    again = sealed(checked({**given, "url": MASK, "secret": MASK}), PLACE, sealer, kept)
    assert again == kept
    from arkwright.errors import InvalidInput

    with pytest.raises(InvalidInput, match="mask"):
        sealed(checked({**given, "url": MASK}), PLACE, sealer, None)
