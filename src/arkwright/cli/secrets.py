"""`arkwright secrets`: the keys that passwords, access keys and masked values are sealed with."""

from __future__ import annotations

import time
from typing import Any

import rich_click as click

from arkwright.cli.target import Session, connected

_LOOK_SECONDS = 1.0


@click.group()
def secrets() -> None:
    """Change the key that stored secrets are sealed with.

    Keys are in `secret.key` of the data folder, never in the database. For administrators of the installation.
    """


@secrets.command()
@connected
def status(session: Session) -> None:
    """Show which keys there are, and how many sealed values need each.

    \b
      arkwright secrets status
    """
    from arkwright.client import secrets as calls

    _show(session, session.send(calls.status()))


@secrets.command()
@click.option(
    "--keys-copied",
    is_flag=True,
    help="With several servers, the second time: secret.key with the new key is on all of them.",
)
@click.option("--wait", is_flag=True, help="Stay until everything is sealed again that can be now.")
@connected
def rotate(session: Session, keys_copied: bool, wait: bool) -> None:
    """Make a new key and seal everything again with it, while the server goes on.

    It may be interrupted at any moment, and goes on at the next start. The old key stays in secret.key until you remove
    it with `arkwright secrets remove`. With several servers the first call only makes the key: copy secret.key to the
    data folders of the others, then call it again with --keys-copied.

    \b
      arkwright secrets rotate --wait
    """
    from arkwright.client import secrets as calls

    done = session.send(calls.rotate(keys_copied=keys_copied))
    if not done["under_way"]:
        session.output.done(
            f"Made the key {done['key']}; nothing uses it yet. Copy secret.key of this server's data folder to the "
            "data folders of all others, then: arkwright secrets rotate --keys-copied",
            done,
        )
        return
    if not wait:
        session.output.done(
            f"Secrets are sealed with the key {done['key']} from now on; those from before follow. "
            "What is left: arkwright secrets status",
            done,
        )
        return
    found = session.send(calls.status())
    while found["under_way"]:
        time.sleep(_LOOK_SECONDS)
        found = session.send(calls.status())
    _show(session, found)


@secrets.command()
@click.argument("key_id", metavar="KEY")
@connected
def remove(session: Session, key_id: str) -> None:
    """Take an old key out of secret.key, once nothing needs it.

    All sealed values are searched, twice, before it is gone for good. A backup made before still needs it: a backup
    made with `arkwright backup` brings its own. With several servers, remove the line from the others' files, too.

    \b
      arkwright secrets remove k5xq2b7a
    """
    from arkwright.client import secrets as calls

    session.send(calls.remove_key(key_id))
    session.output.done(f"Removed the key {key_id}: nothing was sealed with it any more.", {"key": key_id})


def _show(session: Session, found: dict[str, Any]) -> None:
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.table(
        ["Key", "Values", "Of them in runs that have not ended", ""],
        [
            [each["id"], f"{each['values']:,}", f"{each['in_unended_instances']:,}", _said(found, each)]
            for each in found["keys"]
        ],
        right=(1, 2),
    )
    if found["under_way"]:
        session.output.note("Values are being sealed again at this moment.")
    if found["unreadable"]:
        session.output.note(
            f"{found['unreadable']:,} values are sealed with a key that is not in secret.key: set those secrets anew."
        )


def _said(found: dict[str, Any], key: dict[str, Any]) -> str:
    if key["seals"]:
        return "seals"
    newest = [each["seals"] for each in found["keys"]].index(True)
    if found["keys"].index(key) > newest:
        return "new, not in use: arkwright secrets rotate"
    if key["values"]:
        return "opens old values"
    return f"not needed: arkwright secrets remove {key['id']}"
