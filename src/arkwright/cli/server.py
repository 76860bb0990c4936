"""`arkwright server`: the servers that share a database, and emptying one before it goes."""

from __future__ import annotations

import sys
import time

import rich_click as click

from arkwright.cli.output import ago
from arkwright.cli.target import Session, connected
from arkwright.errors import IllegalState, NotFound

LOOK_SECONDS = 0.5


@click.group()
def server() -> None:
    """Look at servers that share a database; empty one."""


@server.command("list")
@connected
def list_(session: Session) -> None:
    """List the servers: what they do, and how much they have.

    \b
      arkwright server list
    """
    from arkwright.client import servers

    found = session.send(servers.find())
    if session.output.as_json:
        session.output.json({"count": len(found), "servers": found})
        return
    session.output.table(
        ["Server", "Roles", "Version", "State", "Instances", "Lease", "Since", "Address"],
        [
            [
                each["name"],
                ", ".join(each["roles"]),
                each["version"],
                each["state"],
                str(each["instances"]),
                "" if each["leaseSeconds"] is None else f"{max(each['leaseSeconds'], 0):.0f} s",
                ago(each["since"]),
                each["url"],
            ]
            for each in found
        ],
    )
    ways = [(each["name"], way) for each in found for way in each.get("daskSchedulers", ())]
    if ways:
        session.output.table(
            ["Server", "Dask scheduler", "Groups", "State"],
            [
                [
                    name,
                    way["url"],
                    ", ".join((*way["groups"], *(["all others"] if way["others"] else []))),
                    "connected" if way["connected"] else "away",
                ]
                for name, way in ways
            ],
        )


@server.command()
@click.argument("name")
@click.option("--wait", "waits", is_flag=True, help="Return when nothing is left on it.")
@click.option("--timeout", "timeout_seconds", type=float, default=3600.0, show_default=True, help="With --wait, in s.")
@connected
def drain(session: Session, name: str, waits: bool, timeout_seconds: float) -> None:
    """Empty a server: it begins nothing more, and hands over what nothing of runs on it.

    Programs that run on it run to their end there. It goes on answering requests.

    \b
      arkwright server drain server-2 --wait && systemctl stop arkwright
    """
    from arkwright.client import servers

    session.send(servers.drain(name))
    if not waits:
        told = f"Server {name} is being emptied; `arkwright server list` tells when it is."
        session.output.done(told, {"name": name})
        return
    deadline, last = time.monotonic() + timeout_seconds, -1
    while True:
        left = next((each for each in session.send(servers.find()) if each["name"] == name), None)
        if left is None:
            raise NotFound(f"The server {name} has ended.", field="name")
        if left["state"] in ("empty", "gone"):
            break
        if left["instances"] != last:
            last = left["instances"]
            print(f"{last} instances are still on {name}.", file=sys.stderr)
        if time.monotonic() >= deadline:
            raise IllegalState(
                f"{last} instances are still on {name} after {timeout_seconds:g} s.",
                hint="Their programs still run there. Wait on, or stop the instances.",
            )
        time.sleep(LOOK_SECONDS)
    session.output.done(f"Server {name} is empty.", {"name": name})


@server.command()
@click.argument("name")
@connected
def resume(session: Session, name: str) -> None:
    """Let a server that was emptied take work again.

    \b
      arkwright server resume server-2
    """
    from arkwright.client import servers

    session.send(servers.resume(name))
    session.output.done(f"Server {name} takes work again.", {"name": name})
