"""`arkwright job`: save, look at and run jobs."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from arkwright.cli import documents, exits
from arkwright.cli.output import ago, state
from arkwright.cli.paging import paged, show_page
from arkwright.cli.parameters import FILE, PARAMETERS, opened
from arkwright.cli.target import Session, connected


@click.group()
def job() -> None:
    """Save, look at and run jobs."""


@job.command()
@click.argument("file", metavar="FILE", type=FILE)
@connected
def create(session: Session, file: Path) -> None:
    """Save a new job from a JSON file (- reads stdin).

    \b
      arkwright job create examples/myjob/jobs/myJob.json
    """
    from arkwright.client import jobs

    document = documents.read_job(opened(file))
    session.send(jobs.create(document))
    session.output.done(f"Created job {document['name']}.", {"name": document["name"], "result": "created"})


@job.command()
@click.argument("name")
@click.argument("file", metavar="FILE", type=FILE)
@connected
def edit(session: Session, name: str, file: Path) -> None:
    """Save a new version of a job from a JSON file (- reads stdin).

    Another name in the file renames the job.

    \b
      arkwright job get myJob > myJob.json
      arkwright job edit myJob myJob.json
    """
    from arkwright.client import jobs

    document = documents.read_job(opened(file))
    session.send(jobs.edit(name, document))
    renamed = f", now called {document['name']}" if document["name"] != name else ""
    session.output.done(f"Changed job {name}{renamed}.", {"name": document["name"], "result": "changed"})


@job.command()
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="An earlier version instead of the latest.")
@connected
def get(session: Session, name: str, version: int | None) -> None:
    """Print a job's document, as JSON.

    \b
      arkwright job get myJob --version 3
    """
    from arkwright.client import jobs

    session.output.json(session.send(jobs.get(name, version=version)))


@job.command("list")
@paged("jobs")
@connected
def list_(session: Session, name: str, page: int, limit: int) -> None:
    """List jobs, with how each last run ended.

    \b
      arkwright job list --name sales
    """
    from arkwright.client import jobs

    found = session.send(jobs.find(name=name, page=page, limit=limit))
    show_page(
        session,
        found,
        "jobs",
        lambda each: [
            each.get("name", ""),
            each.get("status", "").lower(),
            state(each.get("lastInstanceStatus") or "") if each.get("lastInstanceStatus") else "",
            ago(each.get("lastInstanceEndTime")),
            ago(each.get("lastUpdateTime")),
            each.get("lastUpdateUser") or "",
        ],
        ["Job", "Schedule", "Last run", "Ended", "Changed", "By"],
        name=name,
        page=page,
    )


@job.command()
@click.argument("name")
@connected
def delete(session: Session, name: str) -> None:
    """Delete a job. Its instances and their logs stay.

    \b
      arkwright job delete myJob
    """
    from arkwright.client import jobs

    session.send(jobs.delete(name))
    session.output.done(f"Deleted job {name}.", {"name": name, "result": "deleted"})


@job.command("run")
@click.argument("name")
@PARAMETERS
@click.option("-f", "--follow", is_flag=True, help="Show states and logs as they come, until the end.")
@click.option("-w", "--wait", is_flag=True, help="Wait for the end without a word.")
@click.option(
    "--idempotency-key", default="", metavar="KEY", help="One key makes one instance, however often it is sent."
)
@connected
def run_(
    session: Session, name: str, parameters: dict[str, str], follow: bool, wait: bool, idempotency_key: str
) -> int:
    """Run a job's submitted version now.

    With --follow or --wait the exit code is 0 only if the run ends in success. Ctrl-C leaves it running.

    \b
      arkwright job run myJob
      arkwright job run myJob -p aaa=111 -p bbb=222 --follow
      arkwright job run myJob --wait --json
    """
    from arkwright.client import jobs

    run = session.send(jobs.run(name, parameters=parameters, idempotency_key=idempotency_key))
    if follow or wait:
        from arkwright.cli.follow import follow_instance

        return follow_instance(session, name, run.instance_id, quiet=not follow)
    session.output.done(f"Started instance {run.instance_id} of {name}.", {"instanceId": run.instance_id, "job": name})
    if not session.output.as_json:
        session.output.note(f"Watch it: arkwright instance logs {name} {run.instance_id} --follow")
    return exits.DONE


@job.command()
@click.argument("name")
@connected
def stop(session: Session, name: str) -> int:
    """Stop all running instances of a job.

    \b
      arkwright job stop myJob
    """
    from arkwright.cli.instance import unended_of
    from arkwright.client import ApiError, instances

    stopped: list[int] = []
    failures: list[str] = []
    for each in unended_of(session, name):
        try:
            session.send(instances.stop(name, each["instanceId"]))
            stopped.append(each["instanceId"])
        except ApiError as error:
            failures.append(f"{each['instanceId']}: {error}")
    told = ", ".join(map(str, stopped))
    session.output.done(
        f"Stopping {told} of {name}." if stopped else f"No instance of {name} is running.",
        {"job": name, "stopped": stopped, "failed": failures},
    )
    for failure in failures:
        session.output.note(f"Not stopped: {failure}")
    return exits.FAILED if failures else exits.DONE
