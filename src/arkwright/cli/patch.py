"""`arkwright patch`: run a job's plan for days that have passed."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import rich_click as click

from arkwright.cli.output import ago, clock
from arkwright.cli.target import Session, connected

_DAY = len("2026-01-01")


def parse_date(ctx: click.Context, option: click.Parameter, given: str) -> str:
    """As the API writes dates. A day alone begins at its midnight, and as an end lasts until the next one."""
    try:
        moment = dt.datetime.fromisoformat(given)
        if len(given) <= _DAY and option.name == "to":
            moment += dt.timedelta(days=1, seconds=-1)
        return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S +00")
    except (ValueError, OverflowError, OSError):
        message = f"{given!r} is no day such as 2026-10-01, and no time such as 2026-10-01T08:00+08:00"
        raise click.BadParameter(message, ctx, option) from None


@click.group()
def patch() -> None:
    """Run a job's plan for days that have passed."""


@patch.command()
@click.argument("job")
@click.option("--from", "from_", required=True, callback=parse_date, metavar="DAY", help="First day, or a time.")
@click.option("--to", required=True, callback=parse_date, metavar="DAY", help="Last day, or a time; included.")
@click.option("-n", "--parallel", type=click.IntRange(1, 5), default=1, show_default=True, help="Runs at once.")
@click.option("--with", "related", multiple=True, metavar="JOB", help="Also runs of this job.")
@click.option("--by-day", is_flag=True, help="A day begins when the one before has ended.")
@click.option("--stop-on-failure", is_flag=True, help="By day: a failure stops what comes after it.")
@click.option("--reverse", is_flag=True, help="Newest day first.")
@click.option("--window", metavar="HH:MM-HH:MM", help="Runs start only in this part of the day.")
@click.option("--ignore-files", is_flag=True, help="No run waits for a file.")
@click.option("--force", is_flag=True, help="Stop an unfinished patch of the job for the same days.")
@click.option("--name", metavar="NAME", help="Of the patch; default: P_JOB_TIME.")
@connected
def create(
    session: Session,
    job: str,
    from_: str,
    to: str,
    parallel: int,
    related: tuple[str, ...],
    by_day: bool,
    stop_on_failure: bool,
    reverse: bool,
    window: str | None,
    ignore_files: bool,
    force: bool,
    name: str | None,
) -> None:
    """Run a job for the days from one to another.

    \b
      arkwright patch create sales --from 2026-10-01 --to 2026-10-31 -n 3
      arkwright patch create sales --from 2026-10-01 --to 2026-10-31 --by-day --stop-on-failure --window 22:00-05:00
    """
    from arkwright.client import patches

    name = name or f"P_{job}_{time.time_ns() // 1_000_000}"
    body: dict[str, Any] = {
        "name": name,
        "job_name": job,
        "start_date": from_,
        "end_date": to,
        "parallel": parallel,
        "is_day_granularity": by_day or stop_on_failure,
        "is_stop_when_fail": stop_on_failure,
        "reverse_order": int(reverse),
        "ignore_obs_listening": ignore_files,
        "force": str(force).lower(),
        "depend_jobs": [{"job_name": each} for each in related],
    }
    if window:
        body["supplement_data_run_time"] = {"time_of_day": window}
    session.send(patches.create(body))
    session.output.done(f"Patch {name} runs. See it with: arkwright patch list", {"name": name, "result": "created"})


@patch.command("list")
@click.option("--name", default="", metavar="TEXT", help="Whose name contains this.")
@click.option("--status", type=click.Choice(["RUNNING", "SUCCESS", "FAIL", "CANCEL"]), help="In this state.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@connected
def list_(session: Session, name: str, status: str | None, limit: int) -> None:
    """List patches, newest first."""
    from arkwright.client import patches

    found = session.send(patches.find(name=name, status=status or "", size=limit))
    if session.output.as_json:
        session.output.json({"total": found.total, "patches": found.items})
        return
    rows = [
        [
            each["name"],
            each["status"],
            ", ".join(each["job_list"]),
            f"{clock(each['start_date'])} .. {clock(each['end_date'])}",
            str(each["parallel"]),
            f"{each['user_name']}, {ago(each['submitted_date'])}",
        ]
        for each in found.items
    ]
    session.output.table(
        ["Patch", "State", "Jobs", "Days", "At once", "Asked for"], rows, right=[4], none="No patches."
    )
    if found.total > len(rows):
        session.output.note(f"{len(rows)} of {found.total} patches.")


@patch.command()
@click.argument("name")
@connected
def stop(session: Session, name: str) -> None:
    """Stop a patch: what runs is stopped, nothing more starts."""
    from arkwright.client import patches

    session.send(patches.stop(name))
    session.output.done(f"Stopped patch {name}.", {"name": name, "result": "stopped"})
