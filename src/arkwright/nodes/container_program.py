"""Scripts in a container: what a script node becomes when it names an image.

* The container is run by podman, or else docker, of the server's host; without either the node is refused. The local
  program is our own client (`container_client`), a process as any other: it survives the server, its log and exit code
  are the container's, and stopping it removes the container.
* In it: the script, read-only; the attempt's working folder as `/work`, which is where it begins; the workspace's files
  as `/workspace` (on a worker a plain file, below which nothing can be); Arkwright's variables (`ARKWRIGHT_…`). Nothing
  else of the host. The image brings the interpreter.
* Variables are named in the command and taken from the client's own environment, and a script with a secret comes by
  stdin: neither a list of processes nor a file of ours holds a secret. The container engine keeps the variables in its
  own state as long as the container is there.
* Limits are the container's: its memory and processes.
* The name of a container says which attempt it is, so that what an earlier attempt left behind is found and removed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence

import msgspec

from arkwright.nodes.base import SCRIPT_TEXT, Context, Program, Property
from arkwright.nodes.program_limits import ProgramLimits

IMAGE, NETWORK = "image", "network"
ENGINES = ("podman", "docker")
WORK, WORKSPACE, PLACE = "/work", "/workspace", "/arkwright"
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,300}")
_NETWORKS = ("none", "host", "bridge")
_ENGINES_OWN = (
    *("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"),
    *("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DBUS_SESSION_BUS_ADDRESS"),
)
"""Variables of the server that say where the engine is and how it is set up."""

CONTAINER_PROPERTIES = (
    Property(name=IMAGE, help="Container image to run in, by podman or docker of where it runs; missing: none."),
    Property(name=NETWORK, help="The container's network; missing: the engine's default.", choices=_NETWORKS),
)


class Errand(msgspec.Struct, kw_only=True, frozen=True):
    """All that the client is told."""

    engine: str
    name: str
    earlier: tuple[str, ...]
    """Names of containers of earlier attempts."""
    options: tuple[str, ...]
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: bytes = b""
    memory_bytes: int = 0
    folder: str
    """The attempt's."""


def wants_container(context: Context) -> bool:
    return bool(context.properties.get(IMAGE, "").strip())


def objection_to_container(context: Context) -> str | None:
    """What speaks against it before anything was tried."""
    image, network = (context.properties.get(name, "").strip() for name in (IMAGE, NETWORK))
    if not image:
        return f"{NETWORK} is set without {IMAGE}: only a container has a network of its own." if network else None
    if context.connection is not None:
        return f"Both {IMAGE} and connectionName are set: a container runs on {context.machine} alone. Remove one."
    if not _IMAGE.fullmatch(image):
        return f"{IMAGE} is {image[:100]!r}, which is no name of an image (registry/name:tag)."
    if network not in ("", *_NETWORKS):
        return f"{NETWORK} is {network!r}; it takes {', '.join(_NETWORKS)}."
    if SCRIPT_TEXT in context.secret_places and any("input" in name.lower() for name in context.properties):
        return (
            f"{IMAGE} and interactive input are set, and the script's text holds a masked parameter: such a text comes "
            "by standard input itself. Let the script read the parameter from its environment."
        )
    if find_engine() is None:
        return (
            f"{IMAGE} is set, and neither podman nor docker is in the PATH of {context.machine}: install one of them "
            "(Debian: apt-get install podman), or leave the image out."
        )
    return None


def find_engine() -> str | None:
    """The path of podman, or else of docker."""
    return next((found for name in ENGINES if (found := shutil.which(name)) is not None), None)


def container_program(
    context: Context,
    limits: ProgramLimits,
    *,
    interpreter: Sequence[str],
    file: str,
    text: bytes,
    hidden: bool,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stdin: bytes = b"",
) -> Program:
    """`environment`: what the script would get here; only what Arkwright itself puts there goes along."""
    engine = find_engine()
    assert engine is not None  # `check` has looked
    ours = {name: value for name, value in environment.items() if name.startswith("ARKWRIGHT_")}
    ours["ARKWRIGHT_WORKSPACE_FOLDER"] = WORKSPACE
    names = [container_name(context, attempt) for attempt in range(1, context.key.attempt + 1)]
    options = [
        *("--volume", f"{context.folder / 'work'}:{WORK}", "--workdir", WORK),
        *("--volume", f"{context.workspace_folder}:{WORKSPACE}{':ro' if context.on_worker else ''}"),
        *("--pull", "missing"),
    ]
    if not hidden:
        options += ["--volume", f"{context.folder / file}:{PLACE}/{file}:ro"]
    if network := context.properties.get(NETWORK, "").strip():
        options += ["--network", network]
    if limits.memory_bytes:
        options += ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    if limits.processes:
        options += ["--pids-limit", str(limits.processes)]
    if engine.endswith("docker") and os.getuid() != 0:
        options += ["--user", f"{os.getuid()}:{os.getgid()}"]
    errand = Errand(
        engine=engine,
        name=names[-1],
        earlier=tuple(names[:-1]),
        options=tuple(options),
        image=context.properties[IMAGE].strip(),
        command=(*interpreter, "/dev/stdin" if hidden else f"{PLACE}/{file}", *arguments),
        environment=ours,
        stdin=text if hidden else stdin,
        memory_bytes=limits.memory_bytes,
        folder=str(context.folder),
    )
    here = {name: environment[name] for name in ("PATH", "HOME", "USER", "LANG", "TMPDIR") if name in environment}
    here |= {name: value for name in _ENGINES_OWN if (value := os.environ.get(name))}
    return Program(
        argv=(sys.executable, "-I", "-m", "arkwright.nodes.container_client"),
        environment=here,
        files={} if hidden else {file: text},
        hidden=msgspec.json.encode(errand),
        directory=context.folder / "work",
        limits_itself=True,
    )


def container_name(context: Context, attempt: int) -> str:
    """The same for an attempt of this installation on this machine, whoever asks; no other installation's."""
    place = hashlib.sha256(str(context.folder.parent.absolute()).encode()).hexdigest()[:8]
    return f"arkwright-{place}-{context.key.instance_id}-{context.key.node}-{attempt}"
