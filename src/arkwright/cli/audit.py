"""`arkwright audit`: who did what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import rich_click as click

from arkwright.cli.output import clock
from arkwright.cli.target import Session, connected

_SPANS = {"m": "minutes", "h": "hours", "d": "days"}
_MOST_ON_A_PAGE = 1000


class Moment(click.ParamType[int]):
    """A time of this machine's zone, or how long ago: `2026-03-01`, `2026-03-01T08:30`, `90m`, `12h`, `7d`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        unit = _SPANS.get(text[-1:])
        if unit and text[:-1].isdigit() and len(text) < 8:
            at = dt.datetime.now(dt.UTC) - dt.timedelta(**{unit: int(text[:-1])})
            return int(at.timestamp() * 1000)
        try:
            return int(dt.datetime.fromisoformat(text).astimezone().timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{text!r} is no time: 2026-03-01, 2026-03-01T08:30, or 90m, 12h, 7d for how long ago", param, ctx
            )


@click.group()
def audit() -> None:
    """Look up who did what: changes, log-ins, exports."""


@audit.command("list")
@click.option("--from", "from_ms", type=Moment(), metavar="TIME", help="From; default: seven days before the end.")
@click.option("--to", "to_ms", type=Moment(), metavar="TIME", help="To; default: now. At most 92 days.")
@click.option("--user", default="", metavar="NAME", help="Only of this user.")
@click.option("--operation", default="", metavar="NAME", help="Only of this operation, such as createJob.")
@click.option("--object", "object_", default="", metavar="NAME", help="Only of what has this name.")
@click.option("--outcome", default="", metavar="WORD", help="success, refused, or an error code.")
@click.option("--installation", is_flag=True, help="What happened outside of workspaces: log-ins, users, workspaces.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="Newest records to show.")
@connected
def list_(
    session: Session,
    from_ms: int | None,
    to_ms: int | None,
    user: str,
    operation: str,
    object_: str,
    outcome: str,
    installation: bool,
    limit: int,
) -> None:
    """List what was done in the workspace, newest first.

    \b
      arkwright audit list --from 24h --user anna
      arkwright audit list --installation --outcome refused
    """
    from arkwright.client import audit as calls

    records: list[dict[str, Any]] = []
    marker = ""
    while True:
        page = session.send(
            calls.find(
                from_ms=from_ms,
                to_ms=to_ms,
                user=user,
                operation=operation,
                object=object_,
                outcome=outcome,
                installation=installation,
                marker=marker,
                limit=min(limit - len(records), _MOST_ON_A_PAGE),
            )
        )
        records += page.records
        marker = page.next_marker
        if not marker or len(records) >= limit:
            break
    if session.output.as_json:
        session.output.json({"records": records, "more": bool(marker)})
        return
    if not records:
        session.output.note("Nothing was recorded that fits.")
        return
    session.output.table(
        ["Time", "User", "From", "Operation", "Object", "Outcome"],
        [
            [
                clock(each["time"]),
                each["user_name"],
                each["source"],
                each["operation"],
                each["object"],
                each["outcome"] if each["outcome"] == "success" else f"{each['outcome']} {each['message']}".strip(),
            ]
            for each in records
        ],
    )
    if marker:
        session.output.note(f"The newest {len(records)}; --limit shows more.")
