"""`arkwright el`: what a text with parameters and expressions becomes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import rich_click as click

from arkwright.cli.parameters import parse_parameters
from arkwright.cli.target import Session, connected
from arkwright.errors import InvalidInput


def parse_time(ctx: click.Context, option: click.Parameter, given: str | None) -> int | None:
    """Epoch milliseconds of themselves or of an ISO time; one without an offset is this machine's."""
    if given is None:
        return None
    if re.fullmatch(r"[0-9]{1,15}", given):
        return int(given)
    try:
        return int(dt.datetime.fromisoformat(given).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        message = f"{given!r} is no time such as 2018-10-22, 2018-10-22T08:00+08:00 or 1540137600000"
        raise click.BadParameter(message, ctx, option) from None


@click.command()
@click.argument("text")
@click.option("--job", default="", metavar="JOB", help="With this job's own parameters.")
@click.option("--instance", "instance_id", type=int, metavar="ID", help="With this run's outputs, states and values.")
@click.option("--plan-time", callback=parse_time, metavar="TIME", help="ISO time or epoch milliseconds; default: now.")
@click.option("--time-zone", default="", metavar="ZONE", help="Europe/Berlin, GMT+8; default: the workspace's.")
@click.option(
    "-p", "--param", "parameters", metavar="NAME=VALUE", multiple=True, callback=parse_parameters, help="Job parameter."
)
@click.option(
    "--env", "environment", metavar="NAME=VALUE", multiple=True, callback=parse_parameters, help="Environment variable."
)
@click.option(
    "--output", "outputs", metavar="NODE=TEXT", multiple=True, callback=parse_parameters, help="Output of a node."
)
@click.option(
    "--status", "statuses", metavar="NODE=STATE", multiple=True, callback=parse_parameters, help="State of a node."
)
@click.option("--trace", is_flag=True, help="Show each step.")
@click.option(
    "--next",
    "coming",
    type=click.IntRange(1, 10),
    metavar="N",
    help="For the next N planned times of the job (--job).",
)
@connected
def el(
    session: Session,
    text: str,
    job: str,
    instance_id: int | None,
    plan_time: int | None,
    time_zone: str,
    parameters: dict[str, str],
    environment: dict[str, str],
    outputs: dict[str, str],
    statuses: dict[str, str],
    trace: bool,
    coming: int | None,
) -> None:
    """Evaluate ${parameters} and #{expressions} in a text.

    \b
      arkwright el '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}'
      arkwright el 'dt=${day}' --job myJob --plan-time 2018-10-22 --trace
      arkwright el '#{Job.getNodeOutput("a")}' --output a='[["11"]]'
      arkwright el '#{Job.getYesterday("yyyyMMdd")}' --job myJob --next 3
    """
    from arkwright.client import expressions

    nodes: dict[str, dict[str, str]] = {}
    for name, output in outputs.items():
        nodes.setdefault(name, {})["output"] = output
    for name, status in statuses.items():
        nodes.setdefault(name, {})["status"] = status
    times: list[int | None] = [plan_time]
    if coming is not None:
        times = [*_coming(session, job, plan_time, coming)]
    previews = [
        session.send(
            expressions.evaluate(
                text,
                job=job,
                instance_id=instance_id,
                plan_time_ms=each,
                time_zone=time_zone,
                parameters=parameters,
                environment=environment,
                nodes=nodes,
                trace=trace,
            )
        )
        for each in times
    ]
    if coming is not None:
        _show_coming(session, [(each or 0, preview) for each, preview in zip(times, previews, strict=True)], time_zone)
        return
    preview = previews[0]
    if session.output.as_json:
        session.output.json(preview)
        return
    if trace:
        session.output.table(
            ["Expression", "At", "Value", "Type"],
            [[each["expression"], str(each["position"]), each["value"], each["type"]] for each in preview["steps"]],
            right=[1],
        )
    print(preview["value"])
    session.output.note(preview["type"])


def _coming(session: Session, job: str, after_ms: int | None, count: int) -> list[int]:
    """The job's next planned times, from now on or from the plan time that was given."""
    from arkwright.client import schedules

    if not job:
        raise InvalidInput("--next needs the job whose planned times are meant.", hint="Name it with --job.")
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    after = now_ms if after_ms is None else after_ms - 1
    return session.send(schedules.preview(job=job, count=count, after_ms=after))


def _show_coming(session: Session, found: list[tuple[int, dict[str, Any]]], time_zone: str) -> None:
    from arkwright.cli.schedule import shown

    if session.output.as_json:
        session.output.json([{"planTime": at, **preview} for at, preview in found])
        return
    session.output.table(["Plan time", "Value"], [[shown(at, time_zone), preview["value"]] for at, preview in found])
    if not found:
        session.output.note("The plan of the job does not fire any more.")
