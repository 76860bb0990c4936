"""`arkwright simulate`: what the schedules of a workspace would do in a span of time."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import rich_click as click

from arkwright.cli import documents, exits
from arkwright.cli.output import clock, state, took
from arkwright.cli.parameters import FILE, opened
from arkwright.cli.target import Session, connected
from arkwright.errors import InvalidInput

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}


def parse_moment(ctx: click.Context, option: click.Parameter, given: str) -> int:
    """Epoch milliseconds of `now`, of themselves or of an ISO time; one without an offset is this machine's."""
    if given == "now":
        return int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    if given.isascii() and given.isdigit() and len(given) > 8:
        return int(given)
    try:
        return int(dt.datetime.fromisoformat(given).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        message = f"{given!r} is no time such as 2026-11-01, 2026-11-01T08:00+01:00 or now"
        raise click.BadParameter(message, ctx, option) from None


def parse_durations(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """`JOB=90`, `JOB=10min`, `JOB=2h`."""
    found: dict[str, float] = {}
    for each in given:
        name, equals, text = each.rpartition("=")
        number = text.rstrip("smhin")
        try:
            found[name] = float(number) * _UNITS[text[len(number) :] or "s"]
        except (ValueError, KeyError):
            equals = ""
        if not equals or not name:
            raise click.BadParameter(f"{each!r} is not JOB=90, JOB=10min or JOB=2h", ctx, option)
    return found


@click.command()
@click.option("--from", "from_ms", required=True, callback=parse_moment, metavar="TIME", help="ISO time, or `now`.")
@click.option("--to", "to_ms", required=True, callback=parse_moment, metavar="TIME", help="ISO time, not included.")
@click.option("--job", "jobs", multiple=True, metavar="JOB", help="Also this job, though it is not scheduled.")
@click.option("--only", is_flag=True, help="Only the jobs of --job and --with, and what they depend on.")
@click.option("--with", "files", multiple=True, type=FILE, metavar="FILE", help="As if this job file was submitted.")
@click.option(
    "--duration", "durations", multiple=True, callback=parse_durations, metavar="JOB=TIME", help="How long it runs."
)
@click.option("--default-duration", type=click.FloatRange(0, 10_000_000), metavar="SECONDS", help="Of others; 60.")
@click.option("--fails", "failing", multiple=True, metavar="JOB", help="As if every run of this job failed.")
@click.option(
    "--against", type=FILE, metavar="FILE", help="Compare with this instance history, exported elsewhere (JSON, CSV)."
)
@click.option("--limit", type=click.IntRange(0, 10_000), default=200, show_default=True, help="Instances to show.")
@connected
def simulate(
    session: Session,
    from_ms: int,
    to_ms: int,
    jobs: tuple[str, ...],
    only: bool,
    files: tuple[Path, ...],
    durations: dict[str, float],
    default_duration: float | None,
    failing: tuple[str, ...],
    against: Path | None,
    limit: int,
) -> int:
    """Show what the schedules would do in a span of time.

    Nothing is started. With --with the changes that a job file would bring are shown before it is submitted. With
    --against plan times and parameters are compared with what happened elsewhere; the exit code is 1 if they differ.

    \b
      arkwright simulate --from now --to 2026-12-01
      arkwright simulate --from 2026-11-01 --to 2026-11-08 --with jobs/daily.json --duration daily=40min
      arkwright simulate --from 2026-10-01 --to 2026-11-01 --against instances.json
    """
    from arkwright.client import schedules

    found = session.send(
        schedules.simulate(
            from_=from_ms,
            to=to_ms,
            jobs=jobs,
            only=only,
            documents=[documents.read_job(opened(each)) for each in files],
            durations=durations,
            default_duration=default_duration,
            failing=failing,
            history=[] if against is None else read_history(against),
            limit=limit,
        )
    )
    shadow = found.get("shadow")
    differs = shadow is not None and any(shadow[name] for name in ("missing", "extra", "parameters"))
    if session.output.as_json:
        session.output.json(found)
    elif shadow is not None:
        _show_shadow(session, shadow)
    elif "diff" in found:
        _show_diff(session, found)
    else:
        _show_instances(session, found)
    return exits.FAILED if differs else exits.DONE


def read_history(file: Path) -> list[dict[str, Any]]:
    """Instances as the API lists them (an object with `instances`, or a list), or a CSV with their field names."""
    name = str(file)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name} can't be read: {error}.") from None
    if file.suffix.lower() == ".csv":
        entries: Any = [_row(row) for row in csv.DictReader(io.StringIO(text))]
    else:
        try:
            entries = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{name} is no JSON: {error.msg} at line {error.lineno}.") from None
        if isinstance(entries, dict):
            entries = entries.get("instances", entries.get("rows"))
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise InvalidInput(
            f"{name} holds no list of instances.", hint="Export it with GET /v1/{project_id}/jobs/instances/detail."
        )
    return entries


def _row(row: dict[str, Any]) -> dict[str, Any]:
    named = {"".join(each for each in key.lower() if each.isalnum()): value for key, value in row.items() if key}
    at = str(named.get("plantime", ""))
    if not at.isdigit():
        try:
            at = str(int(dt.datetime.fromisoformat(at).timestamp() * 1000))
        except ValueError:
            raise InvalidInput(f"{at!r} is no plan time.", hint="Epoch milliseconds, or an ISO time.") from None
    entry: dict[str, Any] = {"jobName": named.get("jobname"), "planTime": int(at)}
    if named.get("instancetype"):
        entry["instanceType"] = named["instancetype"]
    return entry


def _show_instances(session: Session, found: dict[str, Any]) -> None:
    output = session.output
    rows = []
    for each in found["instances"]:
        start, end = each.get("startTime"), each.get("endTime")
        why = each.get("message") or "; ".join(each.get("waitedFor", [])) or "; ".join(each.get("windows", []))
        late = took(each["planTime"], start, now_ms=start) if start and start > each["planTime"] else ""
        dry = "dry run" if each.get("dryRun") else ""
        ran = took(start, end) if start and end else ""
        rows.append([clock(each["planTime"]), each["job"], state(each["status"]), late, ran, dry or why])
    titles = ["Plan time", "Job", "State", "Waits", "Runs", "Why"]
    output.table(titles, rows, right=[3, 4], none="Nothing is planned in this span.")
    if found["total"] > len(rows):
        output.note(f"{len(rows)} of {found['total']} instances; more with --limit, all counts with --json.")
    _show_conflicts(session, found)


def _show_conflicts(session: Session, found: dict[str, Any]) -> None:
    if not found["conflicts"]:
        return
    rows = [
        [each["kind"], each["job"], str(each.get("count", 1)), clock(each.get("planTime")), each["text"]]
        for each in found["conflicts"]
    ]
    session.output.people.print()
    session.output.table(["Conflict", "Job", "Times", "First", "What"], rows, right=[2])


def _show_diff(session: Session, found: dict[str, Any]) -> None:
    rows = []
    for each in found["diff"]:
        sign = {"added": "+", "removed": "-", "changed": "~"}[each["change"]]
        changes = (
            [f"{name}: {_cell(name, one)} → {_cell(name, other)}" for name, (one, other) in each["fields"].items()]
            if each.get("fields")
            else []
        )
        rows.append([sign, clock(each["planTime"]), each["job"], "; ".join(changes)])
    session.output.table(["", "Plan time", "Job", "Changes"], rows)
    if found["diffTotal"] > len(rows):
        session.output.note(f"{len(rows)} of {found['diffTotal']} differences.")
    if not rows:
        session.output.note("Nothing changes in this span.")
    _show_conflicts(session, found)


def _cell(name: str, value: Any) -> str:
    if name in ("startTime", "endTime"):
        return clock(value) or "never"
    return "; ".join(value) or "nothing" if isinstance(value, list) else str(value)


def _show_shadow(session: Session, shadow: dict[str, Any]) -> None:
    output = session.output
    rows = [["-", clock(each["planTime"]), each["job"], "planned there, not here"] for each in shadow["missing"]]
    rows += [["+", clock(each["planTime"]), each["job"], "planned here, not there"] for each in shadow["extra"]]
    rows += [
        [
            "~",
            clock(each["planTime"]),
            each["job"],
            f"{each['parameter']}: {each['there']!r} there, {each['here']!r} here",
        ]
        for each in shadow["parameters"]
    ]
    if rows:
        output.table(["", "Plan time", "Job", "Difference"], rows)
    unknown = f"; not here: {', '.join(shadow['unknown'])}" if shadow["unknown"] else ""
    output.note(f"{shadow['matched']} plan times match, {len(rows)} differences{unknown}.")
