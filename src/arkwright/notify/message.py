"""One message out of one notice or many: a subject, a plain text, an HTML text, and the JSON of webhooks.

Rules: only what a `Notice` holds, all of it escaped in HTML; nothing a program printed, no parameters, no settings.
What an SMN node says is sent as the job wrote it, alone under its own subject, or among others as one of them.
Many notices are one message: the first `LISTED` line by line, then how many more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from arkwright.core.alerts import Notice, Remind
from arkwright.el.errors import ElError
from arkwright.el.java_zones import find_zone
from arkwright.store.notice_record import StoredNotice

LISTED = 50
TITLE_CHARACTERS = 200
SUBJECT_CHARACTERS = 512

WORDS = {
    Remind.SUCCESS: "succeeded",
    Remind.FAILURE: "failed",
    Remind.UNFINISHED: "is late",
    Remind.PERIOD_UNFINISHED: "is late",
    Remind.CANCELED: "was canceled",
    Remind.RECOVERED: "recovered",
    Remind.STALLED: "is behind",
    Remind.MESSAGE: "says",
}
EVENTS = {
    Remind.SUCCESS: "job.succeeded",
    Remind.FAILURE: "job.failed",
    Remind.UNFINISHED: "job.late",
    Remind.PERIOD_UNFINISHED: "job.late",
    Remind.CANCELED: "job.canceled",
    Remind.RECOVERED: "job.recovered",
    Remind.STALLED: "scheduler.stalled",
    Remind.MESSAGE: "job.message",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    number: int
    """The batch's: the same in every repetition."""
    at_ms: int
    subject: str
    text: str
    html: str
    data: dict[str, Any]


def compose(batch: Sequence[StoredNotice], *, workspace: str, public_url: str = "", kind: str = "") -> Message:
    """`workspace`: its name. `public_url`: where people reach the server; empty: not told. `kind`: of the topic."""
    number = batch[0].batch or batch[0].id
    notices = [each.notice for each in batch]
    subject = headline(notices[0]) if len(batch) == 1 else _summary(notices)
    own = len(batch) == 1 and notices[0].subject != ""
    title = subject if own else f"[{workspace}] {subject}"
    listed = notices[:LISTED]
    more = len(notices) - len(listed)
    ending = f"… and {more} more; `arkwright alert list` shows them." if more else ""
    alone = len(batch) == 1
    text = "\n\n".join(_plain(each, public_url, kind, alone) for each in listed)
    html = "".join(_block(each, public_url, kind, alone) for each in listed)
    return Message(
        number=number,
        at_ms=min(each.at_ms for each in notices),
        subject=_one_line(title, SUBJECT_CHARACTERS if own else TITLE_CHARACTERS),
        text=f"{text}\n\n{ending}".strip() + "\n",
        html=f"<!doctype html><html><body>{html}<p>{escape(ending)}</p></body></html>",
        data={
            "type": EVENTS[notices[0].remind] if len(batch) == 1 else "alerts",
            "timestamp": _iso(min(each.at_ms for each in notices)),
            "workspace": workspace,
            "data": {"notices": [_data(each, kind) for each in batch]},
        },
    )


def headline(notice: Notice) -> str:
    """One line: what happened to what."""
    if notice.test:
        return f"Test of the topic {notice.topic}"
    if notice.remind is Remind.STALLED:
        return "The scheduler is behind"
    if notice.remind is Remind.MESSAGE:
        return notice.subject or f"Message of the job {notice.job_name}"
    again = f" (notice {notice.round} of {notice.rounds})" if notice.round > 1 else ""
    return f"Job {notice.job_name} {WORDS[notice.remind]}{again}"


def _summary(notices: Sequence[Notice]) -> str:
    counted = Counter(WORDS[each.remind] for each in notices)
    return f"{len(notices)} notices: " + ", ".join(f"{n} × {word}" for word, n in counted.most_common())


def _lines(notice: Notice, public_url: str) -> Iterator[tuple[str, str]]:
    zone = notice.time_zone
    if notice.detail:
        yield "What", notice.detail
    if notice.nodes:
        yield (
            "Failed nodes",
            ", ".join(
                f"{each.name} (exit code {each.exit_code})" if each.exit_code is not None else each.name
                for each in notice.nodes
            ),
        )
    if notice.instance_id is not None:
        yield "Instance", str(notice.instance_id)
    for name, at in (
        ("Planned", notice.plan_time_ms),
        ("Started", notice.start_time_ms),
        ("Ended", notice.end_time_ms),
    ):
        if at is not None:
            yield name, _shown(at, zone)
    yield "At", _shown(notice.at_ms, zone)
    if notice.rule_name:
        yield "Rule", notice.rule_name
    if notice.instance_id is not None:
        yield "Look", f"arkwright instance show {notice.instance_id}"
    if public_url:
        yield "Server", public_url


def _words_of(notice: Notice, kind: str) -> str:
    """What a node has to say to a topic of that kind."""
    return notice.text_by_kind.get(kind, notice.text)


def _plain(notice: Notice, public_url: str, kind: str, alone: bool) -> str:
    if notice.remind is Remind.MESSAGE:
        words = _words_of(notice, kind)
        return words if alone else f"{headline(notice)}\n{words}"
    return "\n".join((headline(notice), *(f"  {a}: {b}" for a, b in _lines(notice, public_url))))


def _block(notice: Notice, public_url: str, kind: str, alone: bool) -> str:
    title = f"<h3>{escape(headline(notice))}</h3>"
    if notice.remind is Remind.MESSAGE:
        words = f"<p style='white-space: pre-wrap'>{escape(_words_of(notice, kind))}</p>"
        return words if alone else title + words
    rows = "".join(
        f"<tr><th align=left>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in _lines(notice, public_url)
    )
    return f"{title}<table>{rows}</table>"


def _data(stored: StoredNotice, kind: str) -> dict[str, Any]:
    notice = stored.notice
    said = {"subject": notice.subject, "message": _words_of(notice, kind)} if notice.remind is Remind.MESSAGE else {}
    return {
        **said,
        "id": stored.id,
        "event": EVENTS[notice.remind],
        "remindType": int(notice.remind),
        "at": _iso(notice.at_ms),
        "jobName": notice.job_name,
        "jobId": notice.job_id,
        "instanceId": notice.instance_id,
        "instanceType": notice.instance_type,
        "status": notice.status,
        "planTime": None if notice.plan_time_ms is None else _iso(notice.plan_time_ms),
        "failedNodes": [{"name": each.name, "exitCode": each.exit_code} for each in notice.nodes],
        "detail": notice.detail,
        "rule": notice.rule_name,
        "round": notice.round,
        "test": notice.test,
    }


def _shown(at_ms: int, zone: str) -> str:
    try:
        at = find_zone(zone).at(at_ms)
    except (ElError, ValueError, OverflowError):
        at = datetime.fromtimestamp(0, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S %z")


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str, most: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
