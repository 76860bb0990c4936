"""The process behind a script on another host: runs it there over SSH, as if it ran here.

* Its standard output is the remote program's, its exit code the remote one's. What goes wrong with SSH itself is said
  in the log after `[ssh]`, with the exit code 255.
* The host's key is checked: against the connection's `hostKey` if it has one, else against the workspace's
  `known_hosts`, where the key of the first time is kept. A key that has changed is refused, and shown.
* On the other side, a folder of its own holds the script while it runs, and is removed in the end. Nothing has to be
  installed there but a shell and the script's interpreter.
* SIGTERM stops the remote process group: TERM, then KILL.
* When the connection breaks, what becomes of the remote program can't be known, and it is said so.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from arkwright.nodes.base import HIDDEN_TEXT
from arkwright.nodes.network_fence import AddressRefused, Fence
from arkwright.nodes.ssh_program import Errand, known_name

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection

FAILED = 255
STOPPED = 128 + signal.SIGTERM
CONNECT_SECONDS = 15
GRACE_SECONDS = 1.0
ALIVE_SECONDS = 15


class Problem(Exception):
    """What went wrong with SSH itself."""


def main() -> int:
    errand = msgspec.json.decode(Path(HIDDEN_TEXT).read_bytes(), type=Errand)
    try:
        return asyncio.run(_run(errand))
    except Problem as problem:
        return _failed(str(problem))
    except ModuleNotFoundError as missing:
        return _failed(f"the Python package {missing.name} is not installed: pip install 'arkwright[ssh]'")


async def _run(errand: Errand) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    working = asyncio.ensure_future(_work(errand, stopping))
    return await working


async def _work(errand: Errand, stopping: asyncio.Event) -> int:
    import asyncssh

    try:
        connection = await _connect(errand)
        try:
            return await _visit(connection, errand, stopping)
        finally:
            connection.close()
    except (asyncssh.ConnectionLost, asyncssh.DisconnectError, BrokenPipeError) as fault:
        raise Problem(
            f"the connection to {errand.host} broke: {_said(fault)}. What became of the program there can't be known"
        ) from None
    except (asyncssh.Error, OSError) as fault:
        raise Problem(f"{errand.host}: {_said(fault)}") from None


async def try_host(errand: Errand) -> None:
    """Log in, and leave. Raises `Problem`."""
    import asyncssh

    try:
        connection = await _connect(errand)
    except (asyncssh.Error, OSError) as fault:
        raise Problem(f"{errand.host}: {_said(fault)}") from None
    connection.close()
    await connection.wait_closed()


async def _visit(connection: SSHClientConnection, errand: Errand, stopping: asyncio.Event) -> int:
    folder = await _make_folder(connection)
    try:
        await _put(connection, f"{folder}/environment", _exports(errand))
        await _put(connection, f"{folder}/{errand.file}", errand.text)
        if errand.stdin:
            await _put(connection, f"{folder}/input", errand.stdin)
        return await _play(connection, folder, errand, stopping)
    finally:
        await connection.run(f"rm -rf {shlex.quote(folder)}", check=False)


async def _connect(errand: Errand) -> SSHClientConnection:
    import asyncssh

    address = await _address(errand)
    presented: list[asyncssh.SSHKey] = []

    class Client(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            presented.append(key)
            return _is_known(errand, key)

    keys = []
    if errand.private_key:
        try:
            keys = [asyncssh.import_private_key(errand.private_key, errand.passphrase or None)]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as fault:
            raise Problem(f"the connection's privateKey can't be read: {fault}") from None
    options = asyncssh.SSHClientConnectionOptions(
        client_factory=Client,
        username=errand.user,
        password=errand.password or None,
        client_keys=keys or None,
        known_hosts=b"",  # nobody: each key is asked about above
        agent_path=None,
        config=[],
        host_key_alias=errand.host,
        keepalive_interval=ALIVE_SECONDS,
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
    )
    try:
        return await asyncssh.connect(address, errand.port, options=options)
    except asyncssh.HostKeyNotVerifiable:
        shown = presented[-1].export_public_key().decode().strip() if presented else "(none)"
        raise Problem(
            f"the key of {errand.host} is not the one that is known. It shows {shown}. If the host was set up anew, "
            f"put this key into the connection's hostKey, or remove the host's line from "
            f"{errand.kept_in or errand.known_hosts}"
        ) from None
    except asyncssh.PermissionDenied:
        raise Problem(f"{errand.host} refuses the user {errand.user} (wrong password or key)") from None
    except TimeoutError:
        raise Problem(f"{errand.host}:{errand.port} does not answer within {CONNECT_SECONDS} s") from None


async def _address(errand: Errand) -> str:
    """Judged: a node reaches no metadata service. This host itself may be meant: another user of it, say."""
    try:
        return (await Fence(loopback_allowed=True).resolve(errand.host, errand.port))[0]
    except AddressRefused as refusal:
        raise Problem(str(refusal)) from None
    except (OSError, UnicodeError) as fault:
        raise Problem(f"the address of {errand.host} can't be found: {fault}") from None


def _is_known(errand: Errand, key: object) -> bool:
    shown = key.export_public_key().decode().split()[:2]  # type: ignore[attr-defined]  # asyncssh.SSHKey
    pinned = [line.split() for line in errand.host_keys.splitlines() if line.strip()]
    if pinned:
        return any(_holds(words, shown) for words in pinned)
    name = known_name(errand.host, errand.port)
    path = Path(errand.known_hosts)
    known = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    of_host = [words[1:] for words in known if words[:1] == [name]]
    if of_host:
        return shown in of_host
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(" ".join([name, *shown]) + "\n")
    return True


def _holds(words: list[str], shown: list[str]) -> bool:
    return any(words[at : at + 2] == shown for at in range(len(words) - 1))


async def _make_folder(connection: SSHClientConnection) -> str:
    made = await connection.run('umask 077; mktemp -d "${TMPDIR:-/tmp}/arkwright.XXXXXXXX"', check=False)
    folder = str(made.stdout or "").strip()
    if made.exit_status != 0 or not folder.startswith("/"):
        raise Problem(f"no folder can be made there: {str(made.stderr or '').strip()}")
    return folder


async def _put(connection: SSHClientConnection, path: str, content: bytes) -> None:
    done = await connection.run(f"umask 077; cat > {shlex.quote(path)}", input=content, encoding=None, check=False)
    if done.exit_status != 0:
        said = done.stderr.decode(errors="replace") if isinstance(done.stderr, bytes) else str(done.stderr)
        raise Problem(f"the script can't be written there: {said.strip()}")


async def _play(connection: SSHClientConnection, folder: str, errand: Errand, stopping: asyncio.Event) -> int:
    """Run it. `$$` of the shell that becomes the program is also its process group: sshd made it a session."""
    where = shlex.quote(folder)
    command = " ".join(
        shlex.quote(part) for part in (*errand.interpreter, f"{folder}/{errand.file}", *errand.arguments)
    )
    stdin = f"{where}/input" if errand.stdin else "/dev/null"
    line = f"echo $$ > {where}/pid; . {where}/environment; exec {command} < {stdin} 2>&1"
    async with connection.create_process(line, encoding=None) as process:
        copying = asyncio.ensure_future(_copy(process.stdout))
        stop = asyncio.ensure_future(stopping.wait())
        await asyncio.wait({copying, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done() and not copying.done():
            await _stop(connection, where, copying)
            copying.cancel()
            return STOPPED
        stop.cancel()
        await copying
        done = await process.wait(check=False)
    if done.exit_signal is not None:
        number = getattr(signal, f"SIG{done.exit_signal[0]}", signal.SIGKILL)
        return 128 + int(number)
    if done.exit_status is None:
        raise Problem("it ended without an exit code: what became of the program there can't be known")
    return int(done.exit_status)


async def _copy(output: object) -> None:
    while piece := await output.read(65536):  # type: ignore[attr-defined]  # asyncssh.SSHReader
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


async def _stop(connection: SSHClientConnection, where: str, copying: asyncio.Future[None]) -> None:
    _say("stopping")
    await connection.run(f'kill -TERM -- "-$(cat {where}/pid)"', check=False)
    await asyncio.wait({copying}, timeout=GRACE_SECONDS)
    await connection.run(f'kill -KILL -- "-$(cat {where}/pid)"', check=False)


def _exports(errand: Errand) -> bytes:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(errand.environment.items())]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _said(fault: BaseException) -> str:
    return " ".join(str(fault).split()) or type(fault).__name__


def _say(text: str) -> None:
    os.write(1, f"[ssh] {text}\n".encode(errors="replace"))


def _failed(text: str) -> int:
    _say(text)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
