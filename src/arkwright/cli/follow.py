"""Watching an instance: states, progress and logs as they come, and an exit code from how it ends.

The server tells of each change; nothing polls. When the connection breaks or the server restarts, the client takes
up where it stopped, so a run can be followed through a restart of the server.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from arkwright.cli import exits
from arkwright.cli.progress import View, make_view
from arkwright.client import AsyncClient, ClientError, InstanceRecord, instances
from arkwright.errors import ArkwrightError

if TYPE_CHECKING:
    from arkwright.cli.target import Session


def follow_instance(
    session: Session, job: str, instance_id: int, *, quiet: bool = False, only: Sequence[str] = ()
) -> int:
    """Until the instance has ended; answers the exit code. `only`: the nodes whose logs to show (default: all)."""
    view = make_view(session.output, quiet=quiet)
    try:
        record = asyncio.run(_follow(session, view, job, instance_id, quiet=quiet, only=only))
    except ExceptionGroup as failed:
        # Several logs are read side by side; the first of the failures that say something says it for all.
        telling = [each for each in failed.exceptions if isinstance(each, ArkwrightError | OSError)]
        raise (telling[0] if telling else failed) from None
    except KeyboardInterrupt:
        view.close()
        print(
            f"\nInstance {instance_id} of {job} goes on.\n"
            f"  watch it again   arkwright instance logs {job} {instance_id} --follow\n"
            f"  stop it          arkwright instance stop {job} {instance_id}",
            file=sys.stderr,
        )
        return exits.INTERRUPTED
    finally:
        view.close()
    if session.output.as_json:
        session.output.json(record)
    else:
        view.end(record)
    return exits.DONE if record.get("status") == "success" else exits.FAILED


async def _follow(
    session: Session, view: View, job: str, instance_id: int, *, quiet: bool, only: Sequence[str]
) -> InstanceRecord:
    record: InstanceRecord = {}
    watched: set[tuple[str, int]] = set()
    async with session.async_client() as client, asyncio.TaskGroup() as logs:
        async for record in client.watch(instances.events(job, instance_id)):
            view.show(record)
            for node in record.get("nodes", []):
                name, attempt = node["nodeName"], node.get("attempt", 0)
                runs_jobs = "childTotal" in node  # what they do is in the logs of their instances
                if quiet or runs_jobs or not attempt or (name, attempt) in watched or (only and name not in only):
                    continue
                watched.add((name, attempt))
                logs.create_task(_show_log(client, view, job, instance_id, name, attempt))
    return record


async def _show_log(client: AsyncClient, view: View, job: str, instance_id: int, node: str, attempt: int) -> None:
    """Each attempt has a log of its own; a retry is a new attempt."""
    try:
        async for piece in client.watch(instances.log_pieces(job, instance_id, node, attempt=attempt)):
            view.log(node, piece.text)
    except ClientError as error:
        # The run matters more than its log: say that the log is missing and go on.
        view.note(f"The log of {node} can't be shown: {error}")
