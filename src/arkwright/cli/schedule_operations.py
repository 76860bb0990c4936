"""`arkwright schedule start`, `stop`, `pause`, `resume` and `state`."""

from __future__ import annotations

import datetime as dt

import rich_click as click

from arkwright.cli.output import clock
from arkwright.cli.parameters import PARAMETERS
from arkwright.cli.target import Session, connected


@click.command()
@click.argument("job")
@click.option("--from", "day", type=click.DateTime(formats=["%Y-%m-%d"]), metavar="DAY", help="From this day on.")
@click.option("--ignore-first", is_flag=True, help="The first instance does not wait for the job's previous cycle.")
@PARAMETERS
@connected
def start(session: Session, job: str, day: dt.datetime | None, ignore_first: bool, parameters: dict[str, str]) -> None:
    """Plan a job from now on, as its schedule says.

    \b
      arkwright schedule start myJob
      arkwright schedule start myJob --from 2026-12-01 --ignore-first
    """
    from arkwright.client import scheduling

    start_date = int(f"{day:%Y%m%d}") if day is not None else None
    session.send(
        scheduling.start(job, start_date=start_date, ignore_first_self_dep=ignore_first, parameters=parameters)
    )
    session.output.done(f"Started the schedule of {job}.", {"job": job, "status": "SCHEDULING"})


def _operation(name: str, help_: str, done: str, status: str) -> click.Command:
    @click.command(name, help=f"{help_}\n\n\b\n  arkwright schedule {name} myJob")
    @click.argument("job")
    @connected
    def command(session: Session, job: str) -> None:
        from arkwright.client import scheduling

        session.send(scheduling.operate(job, name))
        session.output.done(f"{done} the schedule of {job}.", {"job": job, "status": status})

    return command


@click.command()
@connected
def state(session: Session) -> None:
    """Show whether the server plans, what it is making up for, and which slots are held.

    \b
      arkwright schedule state
    """
    from arkwright.client import scheduling

    found = session.send(scheduling.state())
    if session.output.as_json:
        session.output.json(found)
        return
    plans = "This server plans." if found["plansHere"] else "Another server plans."
    session.output.people.print(plans, markup=False)
    catch_up = found.get("catchUp")
    if catch_up:
        text = f"Making up for missed times of {catch_up['schedules']} schedules since {clock(catch_up['since'])}: "
        text += f"{catch_up['made']} instances made, the oldest time left is {clock(catch_up['oldestPlanTime'])}."
        session.output.people.print(text, markup=False)
    if found["slots"]:
        rows = [[each["taskGroup"] or "(none)", str(each["held"]), str(each["waiting"])] for each in found["slots"]]
        session.output.table(["Task group", "Running", "Waiting"], rows, right=[1, 2])
    if found["leakedSlots"]:
        session.output.note(f"{found['leakedSlots']} slots leaked: a defect of the server.")


def add_operations(group: click.Group) -> None:
    group.add_command(start)
    group.add_command(_operation("stop", "Plan nothing more for a job; its instances go on.", "Stopped", "STOPPED"))
    group.add_command(_operation("pause", "Plan nothing for a job until it is resumed.", "Paused", "PAUSED"))
    group.add_command(_operation("resume", "Plan again for a paused job, from now on.", "Resumed", "SCHEDULING"))
    group.add_command(state)
