"""`arkwright schedule`: when a plan fires."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import rich_click as click

from arkwright.cli import documents
from arkwright.cli.el import parse_time
from arkwright.cli.parameters import FILE, opened
from arkwright.cli.schedule_operations import add_operations
from arkwright.cli.target import Session, connected
from arkwright.errors import InvalidInput


def parse_after(ctx: click.Context, option: click.Parameter, given: str | None) -> int | None:
    """As `parse_time`, and `now`."""
    if given == "now":
        return int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    return parse_time(ctx, option, given)


def parse_wall_time(ctx: click.Context, option: click.Parameter, given: str | None) -> str:
    """An ISO time as the API takes it. One without an offset is a wall time of the plan's zone."""
    if given is None:
        return ""
    try:
        return dt.datetime.fromisoformat(given).isoformat(timespec="seconds")
    except ValueError:
        message = f"{given!r} is no time such as 2026-01-01, 2026-01-01T08:00 or 2026-01-01T08:00+08:00"
        raise click.BadParameter(message, ctx, option) from None


@click.group()
def schedule() -> None:
    """Start and stop schedules, and look at when plans fire."""


add_operations(schedule)


@schedule.command()
@click.argument("expression", required=False)
@click.option("--job", default="", metavar="JOB", help="The plan of a saved job, instead of an expression.")
@click.option("--file", type=FILE, metavar="FILE", help="The plan of a job in a JSON file (- reads stdin).")
@click.option("--start", callback=parse_wall_time, metavar="TIME", help="Start of the plan, inclusive; default: now.")
@click.option("--end", callback=parse_wall_time, metavar="TIME", help="End of the plan, inclusive.")
@click.option("--time-zone", default="", metavar="ZONE", help="Europe/Berlin, GMT+8; default: the workspace's.")
@click.option("--after", callback=parse_after, metavar="TIME", help="Only later ones: an ISO time, or `now`.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
@connected
def preview(
    session: Session,
    expression: str | None,
    job: str,
    file: Path | None,
    start: str,
    end: str,
    time_zone: str,
    after: int | None,
    count: int,
) -> None:
    """Show when a plan fires; nothing is started.

    \b
      arkwright schedule preview '0 0 2 L * ?' --time-zone Europe/Berlin -n 3
      arkwright schedule preview --job myJob --after now
      arkwright schedule preview --file myJob.json
    """
    from arkwright.client import schedules

    if sum((bool(expression), bool(job), file is not None)) != 1:
        raise click.UsageError("Give one of EXPRESSION, --job and --file.")
    cron: dict[str, Any] | None = None
    if expression:
        cron = {"expression": expression, "startTime": start or _now()}
        cron |= {"endTime": end} if end else {}
        cron |= {"expressionTimeZone": time_zone} if time_zone else {}
    elif file is not None:
        cron = _cron_of(file)
    times = session.send(schedules.preview(cron=cron, job=job, count=count, after_ms=after))
    if session.output.as_json:
        session.output.json({"fireTimes": times})
        return
    for each in times:
        print(shown(each, time_zone))
    if len(times) < count:
        session.output.note("The plan fires no more after that." if times else "The plan does not fire.")


def shown(at_ms: int, time_zone: str = "") -> str:
    """`2026-03-29 03:00:00 +02:00 Sun`, in the zone, or else in this machine's."""
    from arkwright.el.java_zones import find_zone

    moment = dt.datetime.fromtimestamp(at_ms / 1000, find_zone(time_zone).info if time_zone else None)
    moment = moment if time_zone else moment.astimezone()
    offset = moment.strftime("%z")
    return f"{moment:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]} {moment:%a}"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _cron_of(file: Path) -> dict[str, Any]:
    document = documents.read_json(opened(file))
    found = document.get("schedule", {})
    found = found.get("cron") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not found:
        raise InvalidInput(
            f"{file} holds no plan by the clock.", hint="A job has it in its schedule: type CRON, and a cron."
        )
    return found
