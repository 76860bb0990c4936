"""`arkwright instance continue|force-success|pause|…` and `arkwright instance node …`: what operators do to a run."""

from __future__ import annotations

import rich_click as click

from arkwright.cli.target import Session, connected

_INSTANCE = {
    "continue": ("Go on past the failed nodes that suspended an instance.", "Going on with"),
    "force-success": (
        "Let an instance that failed, was stopped or is suspended count as successful.",
        "Set to success:",
    ),
    "pause": ("Start no more nodes of a running instance; those that run go on.", "Paused"),
    "resume": ("Let a paused instance go on.", "Resumed"),
    "confirm": ("Let an instance start that waits for a confirmation.", "Confirmed"),
    "freeze": ("Keep a waiting instance from starting.", "Frozen:"),
    "unfreeze": ("Let a frozen instance start, or wait again.", "Unfrozen:"),
    "run-without-dependencies": (
        "Let a waiting instance wait for no other instance and no file any more.",
        "Dependencies taken away:",
    ),
    "run-preferentially": ("Let a waiting instance start before the others that wait for the same.", "Preferred:"),
}
_NODE = {
    "retry": ("Run a failed node again that suspended its instance.", "Running again:"),
    "force-success": ("Let a failed node that suspended its instance count as successful.", "Set to success:"),
    "skip": ("Don't run a node that waits or is paused; what comes after it runs.", "Skipped"),
    "pause": ("Don't start a waiting node until it is resumed.", "Paused"),
    "resume": ("Let a paused node start.", "Resumed"),
}


@click.group()
def node() -> None:
    """Retry, skip, pause single nodes of an instance."""


def _on_instance(operation: str, help_: str, done: str) -> click.Command:
    @click.command(operation, help=f"{help_}\n\n\b\n  arkwright instance {operation} myJob 132343")
    @click.argument("job")
    @click.argument("instance_id", metavar="[ID]", type=int, required=False)
    @connected
    def command(session: Session, job: str, instance_id: int | None) -> None:
        from arkwright.cli.instance import newest
        from arkwright.client import instances

        identity = newest(session, job, instance_id)
        session.send(instances.operate(job, identity, operation))
        session.output.done(f"{done} instance {identity} of {job}.", {"instanceId": identity, "job": job})

    return command


def _on_node(operation: str, help_: str, done: str) -> click.Command:
    @click.command(operation, help=f"{help_}\n\n\b\n  arkwright instance node {operation} myJob load --instance 132343")
    @click.argument("job")
    @click.argument("name", metavar="NODE")
    @click.option("--instance", "instance_id", type=int, metavar="ID", help="Instance; default: the job's newest.")
    @connected
    def command(session: Session, job: str, name: str, instance_id: int | None) -> None:
        from arkwright.cli.instance import newest
        from arkwright.client import instances

        identity = newest(session, job, instance_id)
        session.send(instances.operate_node(job, identity, name, operation))
        told = {"instanceId": identity, "job": job, "node": name}
        session.output.done(f"{done} node {name} of instance {identity} of {job}.", told)

    return command


def add_operations(group: click.Group) -> None:
    for operation, (help_, done) in _INSTANCE.items():
        group.add_command(_on_instance(operation, help_, done))
    for operation, (help_, done) in _NODE.items():
        node.add_command(_on_node(operation, help_, done))
    group.add_command(node)
