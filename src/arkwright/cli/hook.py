"""`arkwright hook`: webhooks that start jobs."""

from __future__ import annotations

import rich_click as click

from arkwright.cli.output import ago, state
from arkwright.cli.target import Session, connected


@click.group()
def hook() -> None:
    """Let other programs start a job with a signed POST.

    Its body is #{Job.eventData}.
    """


@hook.command()
@click.argument("job")
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--authentication",
    type=click.Choice(["hmac", "bearer"]),
    default="hmac",
    show_default=True,
    help="hmac: the sender signs each delivery. bearer: it sends the secret.",
)
@click.option("--concurrent", type=click.IntRange(1, 128), default=16, show_default=True, help="Most runs at once.")
@connected
def create(session: Session, job: str, name: str, authentication: str, concurrent: int) -> None:
    """Make a webhook. Its secret is shown now and never again.

    \b
      arkwright hook create myJob --name shop
    """
    from arkwright.client import events

    made = session.send(events.create_hook(job, name=name, authentication=authentication, concurrent=concurrent))
    session.output.done(f"Created webhook {made['id']}.\nURL: {made['url']}\nSecret: {made['secret']}", made)


@hook.command("list")
@connected
def list_(session: Session) -> None:
    """List the webhooks of the workspace.

    \b
      arkwright hook list
    """
    from arkwright.client import events

    found = session.send(events.hooks())
    if session.output.as_json:
        session.output.json({"hooks": found})
        return
    session.output.table(
        ["Webhook", "Job", "Name", "State", "Made"],
        [
            [
                each["id"],
                each["jobName"],
                each["name"],
                state("ACTIVE" if each["enabled"] else "DISABLED"),
                ago(each["createTime"]),
            ]
            for each in found
        ],
        none="No webhooks.",
    )


@hook.command()
@click.argument("hook_id", metavar="WEBHOOK")
@click.option("--keep", "keep_seconds", type=click.IntRange(0, 2592000), metavar="SECONDS", help="Default: a day.")
@connected
def rotate(session: Session, hook_id: str, keep_seconds: int | None) -> None:
    """Give a webhook a new secret; the old one is still taken for a while (--keep 0: not at all).

    \b
      arkwright hook rotate 0123456789abcdef01234567 --keep 3600
    """
    from arkwright.client import events

    secret = session.send(events.rotate_hook(hook_id, keep_seconds=keep_seconds))
    session.output.done(f"Secret: {secret}", {"id": hook_id, "secret": secret})


def _switch(name: str, enabled: bool, help_: str) -> click.Command:
    @hook.command(name, help=f"{help_}\n\n\b\n  arkwright hook {name} 0123456789abcdef01234567")
    @click.argument("hook_id", metavar="WEBHOOK")
    @connected
    def command(session: Session, hook_id: str) -> None:
        from arkwright.client import events

        changed = session.send(events.change_hook(hook_id, {"enabled": enabled}))
        session.output.done(f"{name.capitalize()}d webhook {hook_id}.", changed)

    return command


disable = _switch("disable", False, "Refuse deliveries of a webhook until it is enabled.")
enable = _switch("enable", True, "Take deliveries of a webhook again.")


@hook.command()
@click.argument("hook_id", metavar="WEBHOOK")
@connected
def delete(session: Session, hook_id: str) -> None:
    """Delete a webhook. Runs that it started go on.

    \b
      arkwright hook delete 0123456789abcdef01234567
    """
    from arkwright.client import events

    session.send(events.delete_hook(hook_id))
    session.output.done(f"Deleted webhook {hook_id}.", {"id": hook_id, "result": "deleted"})
