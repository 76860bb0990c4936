"""The contract of a node type: one file per type, three ways to work.

* A **program** node turns its settings into a `Program`; an executor runs it as a process of its own, which
  survives a restart of the server and is found again with its exit code and its whole log.
* A **hosted** node runs `run(context)` inside a resident host process (one per host name), which also survives
  a restart of the server. Its type says what happened when a host died in the middle (`recall`).
* A **control** node does no work; the core itself decides it (`core/control`).
* A **message** node has a text for people, which the server itself puts into its outbox (`notify`).

Rules: a node never imports the engine, the store or an executor; it refuses (returns `Failed` with kind REFUSED
from `check`) any setting it can't honour here, and names it: it never runs somewhere else instead. Its expected
failures are values. `run` leaves nothing behind when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from arkwright.core.job import Script
from arkwright.core.outcome import Failed, Outcome, Succeeded
from arkwright.core.scrubbing import scrub


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptKey:
    """Identity of one attempt, on disk and on the wire."""

    instance_id: int
    node: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.instance_id}/{self.node}-{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a node is to work, as its workspace has it under that name."""

    name: str
    type: str
    """As it was saved; compare by `registry.canonical`."""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Its settings, secrets included: never into a log, an argument of a process or a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a node is given. All texts are final: parameters and expressions are already replaced."""

    key: AttemptKey
    project_id: str
    workspace_id: str
    job_name: str
    node_name: str
    properties: Mapping[str, str] = field(default_factory=dict)
    script: Script | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    plan_time_ms: int = 0
    connection: Connection | None = None
    """What `connectionName` names; None: nothing, or `local`."""
    connections: Mapping[str, Connection] = field(default_factory=dict, repr=False)
    """By name, for a type that names more than one (`NamesConnections`)."""
    folder: Path
    """The attempt's own folder; the node may keep files there. `log` and `output` in it are the contract's."""
    workspace_folder: Path
    """Files of the workspace; a node reads and writes outside its own folder only below this one. On a worker there are
    none: it is the path of a plain file, so that whatever is looked for below it, or made there, fails."""
    on_worker: bool = False
    """It runs on another machine than the server's. What the node `needs` has been brought into its folder."""
    local_programs_allowed: bool = False
    """Whether an administrator allows programs on this host in this workspace."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values of masked parameters among the texts. The log is scrubbed of them by the executor; what the node writes
    itself (`output`) it scrubs first. They never go into the arguments of a process, nor into a file."""
    secret_places: frozenset[str] = frozenset()
    """Where they are: names of properties, and `SCRIPT_TEXT`."""

    def scrubbed(self, text: str) -> str:
        """The text without the secrets."""
        return scrub(text, self.secrets) if self.secrets else text

    @property
    def machine(self) -> str:
        """Where it runs, in a message: "neither podman nor docker is in the PATH of …"."""
        return "the worker" if self.on_worker else "the server's host"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededFile:
    """A file that a node works with, and that is with the server."""

    source: str
    """`obs://bucket/key`, or a path below the workspace's folder."""
    target: str
    """Where it is to be on another machine: a path below the attempt's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process to run. It gets this environment and nothing of the server's own, stdin from /dev/null, its
    stdout and stderr in the attempt's `log`, `directory` as working folder (default: the attempt's folder)."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files to put into the attempt's folder before the start (mode 0700), by plain name."""
    hidden: bytes | None = None
    """A text that holds a secret and must not be on disk: the program reads it from `HIDDEN_TEXT`."""
    directory: Path | None = None
    limits_itself: bool = False
    """Its work is done elsewhere (another host, a container): the limits of programs here are not for it."""


SCRIPT_TEXT = "script"
"""Among a context's `secret_places`: the text of the script."""
HIDDEN_TEXT = "/dev/fd/3"
"""Where a program finds its hidden text, as a file that can be opened by that name."""
RESULT = "result.csv"
"""In an attempt's folder, beside an output that holds the first rows of a result: all of them, for people."""


class Work(StrEnum):
    PROGRAM = "program"
    HOSTED = "hosted"
    CONTROL = "control"
    MESSAGE = "message"


class Category(StrEnum):
    """Where a palette shows a type."""

    CONTROL = "control"
    SQL = "sql"
    PROGRAM = "program"
    MOVEMENT = "movement"
    STORAGE = "storage"
    MESSAGING = "messaging"
    SERVICE = "service"


_CATEGORIES = {Work.CONTROL: Category.CONTROL, Work.PROGRAM: Category.PROGRAM, Work.MESSAGE: Category.MESSAGING}
"""Of a type that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One setting of a node type, for checks, forms and the documentation."""

    name: str
    help: str
    required: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    scanned: bool = True
    """False: a statement typed into the node; parameters and expressions in it are not replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """What is known of a type without running it."""

    name: str
    """The documented spelling, e.g. `DLISQL`."""
    title: str
    work: Work
    summary: str
    category: Category | None = None
    icon: str = "box"
    """Name of a Tabler icon (tabler.io/icons), outlined."""
    properties: tuple[Property, ...] = ()
    aliases: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    """Types of connections that its `connectionName`, or its script's, may name."""
    portable: bool = False
    """Whether it can run on a worker: it works with no file, object or database of the server but what it `needs`."""
    needs_connection: bool = False
    """Whether it runs only with one: a job of the cloud's needs it mapped."""
    example: Mapping[str, object] = field(default_factory=dict)
    """A runnable node as the API takes it."""
    server: str = ""
    """What it works with and where that was tested, for the documentation; empty: nothing but the server itself."""
    repeated: str = ""
    """What it promises when the process that ran it dies, for the documentation."""

    @property
    def shown_in(self) -> Category:
        """Its category, or what follows from its kind of work."""
        return self.category or _CATEGORIES.get(self.work, Category.SERVICE)


Log = Callable[[bytes], None]


class ProgramNode(Protocol):
    """Becomes a process."""

    type: NodeType

    def check(self, context: Context) -> Failed | None:
        """Refuse what can't be honoured, before anything has happened."""
        ...

    def program(self, context: Context) -> Program: ...

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        """Read the end: exit code and what lies in the folder (`log`). Called once the process has ended."""
        ...


class HostedNode(Protocol):
    """Runs inside a resident host process, beside other attempts of the same host name."""

    type: NodeType

    def check(self, context: Context) -> Failed | None: ...

    def host(self, context: Context) -> str:
        """Name of the host process this attempt belongs to, a plain file name (e.g. `duckdb-<workspace>`)."""
        ...

    async def run(self, context: Context, log: Log) -> Outcome:
        """Do the work. Cancellation arrives as `asyncio.CancelledError`, and must stop the work for real."""
        ...

    async def recall(self, context: Context) -> Outcome | None:
        """The host died while `run` was under way: what became of it, asked in a fresh host.

        Returns the outcome if it is known to be done; None if it is known to have had no effect (it is then run
        again as the same attempt); `Failed(LOST)` if nobody can know.
        """
        ...


@runtime_checkable
class NamesConnections(Protocol):
    """A node whose settings may name several connections, which `Context.connections` then holds."""

    def connection_names(self, context: Context) -> tuple[str, ...]:
        """Called on a thread, and may read a file of the workspace. Raises `ValueError` for settings that can't be
        read: its text is the refusal."""
        ...


@runtime_checkable
class NeedsFiles(Protocol):
    """A portable node that can take files of the server's along."""

    def needs(self, context: Context) -> tuple[NeededFile, ...]:
        """All of them, as its settings say; the same whoever asks. Raises `ValueError` for settings that can't be read:
        its text is the refusal."""
        ...


@runtime_checkable
class Bound(Protocol):
    """A portable node that some settings bind to the server's machine."""

    def bound(self, context: Context) -> str | None:
        """What binds it, as a sentence that names the setting; None: it can run anywhere."""
        ...


class ControlNode(Protocol):
    """Decided by the core; nothing to run."""

    type: NodeType

    def check(self, context: Context) -> Failed | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMessage:
    """A text for a topic of the workspace."""

    topic: str
    subject: str
    text: str
    by_kind: Mapping[str, str] = field(default_factory=dict)
    """Other texts for topics of a kind (`mail`, `webhook`, `chat`)."""


class MessageNode(Protocol):
    """Tells people something."""

    type: NodeType

    def check(self, context: Context) -> Failed | None: ...

    def message(self, context: Context) -> NodeMessage | Failed: ...


NodeImplementation = ProgramNode | HostedNode | ControlNode | MessageNode

__all__ = [
    "HIDDEN_TEXT",
    "RESULT",
    "SCRIPT_TEXT",
    "AttemptKey",
    "Bound",
    "Category",
    "Connection",
    "Context",
    "ControlNode",
    "Failed",
    "HostedNode",
    "Log",
    "MessageNode",
    "NamesConnections",
    "NeededFile",
    "NeedsFiles",
    "NodeImplementation",
    "NodeMessage",
    "NodeType",
    "Outcome",
    "Program",
    "ProgramNode",
    "Property",
    "Succeeded",
    "Work",
]
