"""Scripts on another host, over SSH: what a script node becomes when its connection is a HOST.

The local program is our own SSH client (`ssh_client`), a process as any other: it survives the server, its log is the
remote program's, its exit code is the remote one's, and stopping it stops the remote program. All it needs to know
reaches it by the hidden text, so that neither a file nor a list of processes holds a password.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from arkwright.core.outcome import Failed, FailureKind
from arkwright.nodes.base import Connection, Context, Program
from arkwright.nodes.connection_settings import HOST as HOST_NAMES
from arkwright.nodes.connection_settings import PASSWORD, USER, setting

HOST = "HOST"
DEFAULT_PORT = 22
KNOWN_HOSTS = "known_hosts"
PRIVATE_KEY = ("privatekey", "keyfile", "key")
"""What a connection may call its private key, as `setting` compares."""


class Errand(msgspec.Struct, kw_only=True, frozen=True):
    """All that the client is told."""

    host: str
    port: int
    user: str
    password: str = ""
    private_key: str = ""
    passphrase: str = ""
    host_keys: str = ""
    """Lines of public keys that the host may have; empty: the one of the first time, kept in `known_hosts`."""
    known_hosts: str
    """Path of the file with what is known."""
    kept_in: str = ""
    """Where people find that; empty: there."""
    interpreter: tuple[str, ...] = ()
    file: str = ""
    text: bytes = b""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    stdin: bytes = b""


def objection(connection: Connection) -> Failed | None:
    """What speaks against the connection before anything was tried."""
    missing = [what for what, names in (("ip", HOST_NAMES), ("userName", USER)) if not setting(connection, names)]
    if missing:
        return _refused(f"The connection {connection.name!r} lacks {' and '.join(missing)}.")
    if not (setting(connection, PASSWORD) or setting(connection, PRIVATE_KEY)):
        return _refused(f"The connection {connection.name!r} has neither a password nor a privateKey.")
    port = setting(connection, ("port",))
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        return _refused(f"The connection {connection.name!r} has the port {port!r}.")
    return None


def ssh_program(
    context: Context,
    *,
    interpreter: Sequence[str],
    file: str,
    text: bytes,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stdin: bytes = b"",
) -> Program:
    """`environment`: what the script would get here; only what Arkwright itself puts there goes along."""
    assert context.connection is not None
    # A worker brings what the workspace knows of the host, and takes back what was learnt.
    known = context.folder if context.on_worker else context.workspace_folder
    errand = msgspec.structs.replace(
        errand_to(context.connection, known / KNOWN_HOSTS),
        kept_in="the workspace's known_hosts on the server" if context.on_worker else "",
        interpreter=tuple(interpreter),
        file=file,
        text=text,
        arguments=tuple(arguments),
        environment={name: value for name, value in environment.items() if name.startswith("ARKWRIGHT_")},
        stdin=stdin,
    )
    return Program(
        argv=(sys.executable, "-I", "-m", "arkwright.nodes.ssh_client"),
        environment={name: environment[name] for name in ("PATH", "LANG", "TMPDIR") if name in environment},
        hidden=msgspec.json.encode(errand),
        directory=context.folder / "work",
        limits_itself=True,
    )


def errand_to(connection: Connection, known_hosts: Path) -> Errand:
    """Where to go; with nothing to do there yet."""
    return Errand(
        host=setting(connection, HOST_NAMES),
        port=int(setting(connection, ("port",)) or DEFAULT_PORT),
        user=setting(connection, USER),
        password=setting(connection, PASSWORD),
        private_key=setting(connection, PRIVATE_KEY),
        passphrase=setting(connection, ("passphrase", "keypassphrase")),
        host_keys=setting(connection, ("hostkey", "hostkeys", "knownhosts")),
        known_hosts=str(known_hosts),
    )


def known_name(host: str, port: int) -> str:
    """Of a host, in `known_hosts`."""
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def known_lines(connection: Connection, text: str) -> str:
    """The lines of a `known_hosts` about the connection's host."""
    port = setting(connection, ("port",))
    name = known_name(setting(connection, HOST_NAMES), int(port) if port.isdigit() else DEFAULT_PORT)
    return "".join(f"{line}\n" for line in text.splitlines() if line.split()[:1] == [name])


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
