"""`arkwright instance`: what ran, how it went, and what its nodes said."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

import rich_click as click

from arkwright.cli import exits
from arkwright.cli.operate import add_operations
from arkwright.cli.output import ago, clock, state, took
from arkwright.cli.target import Session, connected
from arkwright.cli.waiting import add_waiting
from arkwright.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from arkwright.client import InstanceRecord, NodeRecord

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_WINDOW_SECONDS = 7 * 86400 - 60
"""The API's longest window, a little less than seven days so that clocks may differ."""
UNENDED = "running,waiting,running-exception,pause"


def parse_since(ctx: click.Context, option: click.Parameter, given: str) -> int:
    """Seconds of `90m`, `12h`, `7d`."""
    match = re.fullmatch(r"(\d+)([mhd])", given)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= 7 * 86400:
        raise click.BadParameter(f"{given!r} is no span such as 30m, 12h or 7d (at most 7d)", ctx, option)
    return seconds


def _window(seconds: int) -> tuple[int, int]:
    now_ms = int(time.time() * 1000)
    # An instance accepted this very moment may bear the clock of another machine.
    return now_ms - min(seconds, _WINDOW_SECONDS) * 1000, now_ms + 30_000


def newest(session: Session, job: str, instance_id: int | None) -> int:
    """The given id, or that of the job's newest instance."""
    if instance_id is not None:
        return instance_id
    from arkwright.client import instances

    from_ms, to_ms = _window(_WINDOW_SECONDS)
    found = session.send(instances.find(job=job, from_ms=from_ms, to_ms=to_ms, limit=1))
    if not found.items:
        raise NotFound(
            f"{job} has no instance of the last seven days.", hint=f"Run it: arkwright job run {job}, or name an id."
        )
    return int(found.items[0]["instanceId"])


def unended_of(session: Session, job: str) -> list[InstanceRecord]:
    from arkwright.client import instances

    from_ms, to_ms = _window(_WINDOW_SECONDS)
    call = instances.find(job=job, status=UNENDED, from_ms=from_ms, to_ms=to_ms, limit=1000)
    return session.send(call).items


@click.group()
def instance() -> None:
    """Look at runs of jobs, read their logs, stop and restart them.

    Where ID is left out, the job's newest instance is meant.
    """


@instance.command("list")
@click.argument("job", required=False, default="")
@click.option("--status", default="", metavar="STATE", help="success, fail, running, waiting, manual-stop, …")
@click.option("--since", default="1d", show_default=True, callback=parse_since, metavar="SPAN", help="30m, 12h, 7d.")
@click.option("--page", default=0, show_default=True, type=click.IntRange(min=0), help="Page, from 0.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Instances on a page.")
@connected
def list_(session: Session, job: str, status: str, since: int, page: int, limit: int) -> None:
    """List instances, newest first.

    \b
      arkwright instance list
      arkwright instance list myJob --status fail --since 7d
    """
    from arkwright.client import instances

    from_ms, to_ms = _window(since)
    found = session.send(instances.find(job=job, status=status, from_ms=from_ms, to_ms=to_ms, page=page, limit=limit))
    if session.output.as_json:
        session.output.json({"total": found.total, "instances": found.items})
        return
    if not found.items:
        session.output.note("No instances in this time.")
        return
    session.output.table(
        ["Job", "Instance", "State", "Started", "Took"],
        [
            [
                each.get("jobName", ""),
                str(each.get("instanceId", "")),
                state(each.get("status", "")),
                ago(each.get("startTime") or each.get("planTime")),
                took(each.get("startTime"), each.get("endTime")),
            ]
            for each in found.items
        ],
        right=[4],
    )
    if found.total > len(found.items):
        session.output.note(f"{len(found.items)} of {found.total}; --page {page + 1} shows more.")


@instance.command()
@click.argument("job")
@click.argument("instance_id", metavar="[ID]", type=int, required=False)
@connected
def show(session: Session, job: str, instance_id: int | None) -> None:
    """Show an instance and its nodes.

    \b
      arkwright instance show myJob
      arkwright instance show myJob 132343 --json
    """
    from arkwright.client import instances

    record = session.send(instances.get(job, newest(session, job, instance_id)))
    if session.output.as_json:
        session.output.json(record)
        return
    show_record(session, record)


def show_record(session: Session, record: InstanceRecord) -> None:
    from rich.text import Text

    head = Text.assemble(
        (f"{record.get('jobName', '')} {record.get('instanceId', '')}  ", "bold"), state(record.get("status", ""))
    )
    session.output.people.print(head)
    began, took_text = record.get("startTime"), took(record.get("startTime"), record.get("endTime"))
    session.output.people.print(Text(f"started {clock(began)}, took {took_text}" if began else "not started", "dim"))
    if record.get("errorMessage"):
        session.output.people.print(Text(record["errorMessage"], "red"))
    session.output.table(
        ["Node", "Type", "State", "Started", "Took", "Retries", ""],
        [
            [
                node.get("nodeName", ""),
                node.get("type", ""),
                state(node.get("status", "")),
                clock(node.get("startTime"))[11:],
                took(node.get("startTime"), node.get("endTime")),
                str(node.get("retryTimes") or ""),
                node.get("errorMessage") or "",
            ]
            for node in record.get("nodes", [])
        ],
        right=[4, 5],
    )


@instance.command()
@click.argument("job")
@click.argument("instance_id", metavar="[ID]", type=int, required=False)
@click.option("-n", "--node", "nodes", multiple=True, help="Only this node's log; may be repeated.")
@click.option("-f", "--follow", is_flag=True, help="Go on as the logs grow, until the instance ends.")
@connected
def logs(session: Session, job: str, instance_id: int | None, nodes: tuple[str, ...], follow: bool) -> int:
    """Print the logs of an instance's nodes.

    One node's log comes as it is; of several, each line is led by its node's name.

    \b
      arkwright instance logs myJob --node load
      arkwright instance logs myJob 132343 --follow
    """
    from arkwright.client import instances

    identity = newest(session, job, instance_id)
    if follow:
        from arkwright.cli.follow import follow_instance

        return follow_instance(session, job, identity, only=nodes)
    record = session.send(instances.get(job, identity))
    chosen = _chosen(record, nodes)
    texts = {
        node["nodeName"]: session.send(instances.log(job, identity, node["nodeName"]))
        for node in chosen
        if node.get("startTime")
    }
    if session.output.as_json:
        decoded = {name: text.decode(errors="replace") for name, text in texts.items()}
        session.output.json({"instanceId": identity, "job": job, "logs": decoded})
    elif len(chosen) == 1:
        sys.stdout.flush()
        sys.stdout.buffer.write(texts.get(chosen[0]["nodeName"], b""))
        sys.stdout.buffer.flush()
    else:
        width = max((len(name) for name in texts), default=0)
        for name, text in texts.items():
            for line in text.decode(errors="replace").splitlines():
                print(f"{name:<{width}} │ {line}")
    return exits.DONE


def _chosen(record: InstanceRecord, names: tuple[str, ...]) -> list[NodeRecord]:
    nodes = record.get("nodes", [])
    known = {node["nodeName"] for node in nodes}
    for name in names:
        if name not in known:
            raise InvalidInput(f"There is no node {name}.", hint=f"There are: {', '.join(sorted(known))}.")
    return [node for node in nodes if not names or node["nodeName"] in names]


@instance.command()
@click.argument("job")
@click.argument("instance_id", metavar="[ID]", type=int, required=False)
@click.option("-n", "--node", default="", help="Of which node; needed where there are several.")
@connected
def result(session: Session, job: str, instance_id: int | None, node: str) -> None:
    """Print what a node has come to.

    The rows of SQL come as CSV: all of a database server's, up to 64 MiB; of DLISQL the first 1,000. Any other output
    comes as it is.

    \b
      arkwright instance result myJob --node totals > totals.csv
    """
    from arkwright.client import instances

    identity = newest(session, job, instance_id)
    if not node:
        names = [each["nodeName"] for each in session.send(instances.get(job, identity)).get("nodes", [])]
        if len(names) != 1:
            raise InvalidInput(
                f"{job} has {len(names)} nodes; name one with --node.", hint=f"There are: {', '.join(names)}."
            )
        node = names[0]
    data = session.send(instances.result(job, identity, node))
    if session.output.as_json:
        text = data.decode(errors="replace")
        session.output.json({"instanceId": identity, "job": job, "node": node, "result": text})
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@instance.command()
@click.argument("job")
@click.argument("instance_id", metavar="[ID]", type=int, required=False)
@click.option("-w", "--wait", is_flag=True, help="Return once it has ended.")
@connected
def stop(session: Session, job: str, instance_id: int | None, wait: bool) -> None:
    """Stop a running instance; its nodes are ended.

    \b
      arkwright instance stop myJob 132343
    """
    from arkwright.client import instances

    identity = newest(session, job, instance_id)
    session.send(instances.stop(job, identity))
    if wait:
        from arkwright.cli.follow import follow_instance

        follow_instance(session, job, identity, quiet=True)
        return
    session.output.done(f"Stopping instance {identity} of {job}.", {"instanceId": identity, "job": job})


@instance.command()
@click.argument("job")
@click.argument("instance_id", metavar="[ID]", type=int, required=False)
@click.option("--from-error", is_flag=True, help="From the nodes that failed; default: from the first.")
@click.option("--from-node", default="", metavar="NODE", help="From this node.")
@click.option("--latest", is_flag=True, help="With the job's latest submitted version instead of the original one.")
@click.option("-f", "--follow", is_flag=True, help="Show states and logs as they come, until the end.")
@connected
def restart(
    session: Session, job: str, instance_id: int | None, from_error: bool, from_node: str, latest: bool, follow: bool
) -> int:
    """Run an ended instance again.

    \b
      arkwright instance restart myJob 132343 --from-error --follow
    """
    from arkwright.client import instances

    if from_error and from_node:
        raise click.UsageError("--from-error and --from-node exclude each other")
    position = "specified_node" if from_node else "error_node" if from_error else "first_node"
    identity = newest(session, job, instance_id)
    session.send(instances.restart(job, identity, position=position, node=from_node, latest=latest))
    if follow:
        from arkwright.cli.follow import follow_instance

        return follow_instance(session, job, identity)
    session.output.done(f"Restarted instance {identity} of {job}.", {"instanceId": identity, "job": job})
    return exits.DONE


add_operations(instance)
add_waiting(instance)
