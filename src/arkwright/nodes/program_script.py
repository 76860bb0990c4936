"""What Shell and Python share: where the text comes from, what is refused, and how the end is read.

* The text is the node's script (`scriptName`) or its `statement`; exactly one of them.
* A connection of type HOST, the node's or its script's, runs the text on that host over SSH (`ssh_program`).
* No false green: any other setting that asks for another place to run (a host, agent, cluster or queue), from the node
  or from the script, is refused by name.
* Interactive input (`interactiveInput`, or any name with `stdin` in it) is what the program reads from stdin, line by
  line; without it stdin is empty.
* `arguments` are split as a shell would, without any expansion: quotes and backslashes count, `$` and `*` don't.
* A text whose line breaks are all CR LF was typed on Windows, and runs with LF; a mark of the byte order is left out.
* The output that `Job.getNodeOutput` gives to later nodes is the last 4,000 characters of stdout and stderr, as in the
  cloud, decoded as UTF-8 (what isn't becomes U+FFFD). One line break at its very end is left out, as `$(…)` does, so
  that `echo 5` gives "5".
* A masked parameter reaches the program in its environment and in its script's text, which then is never a file. In
  `arguments` it would be in every list of processes, so that is refused.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import (
    HIDDEN_TEXT,
    SCRIPT_TEXT,
    Context,
    Failed,
    NodeType,
    Outcome,
    Program,
    Property,
    Succeeded,
)
from arkwright.nodes.container_program import (
    CONTAINER_PROPERTIES,
    container_program,
    objection_to_container,
    wants_container,
)
from arkwright.nodes.program_environment import (
    LONGEST_BYTES,
    PREFIX,
    WORKSPACE_FOLDER,
    parameter_variable,
    program_environment,
    unfit,
)
from arkwright.nodes.program_limits import LIMIT_PROPERTIES, MEMORY, NO_LIMITS, SECONDS, ProgramLimits, node_limits
from arkwright.nodes.ssh_program import objection, ssh_program

OUTPUT_CHARACTERS = 4000
SHORT_TEXT_BYTES = 65_536
MAX_TEXT_BYTES = 16 * 1024 * 1024
LOCAL_CONNECTION = "local"
MESSAGE_CHARACTERS = 500
INPUT = "input"
"""Name of the file that the program reads as stdin."""

_PLACES = ("connection", "host", "agent", "cluster", "queue")
_INPUTS = ("interaction", "interactive", "stdin")
_FOR_TERMINALS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0e-\x1f\x7f]")

SCRIPT_SERVER = "The server's own host; over SSH any host (extra `ssh`), tested with OpenSSH."
SCRIPT_REPEATED = "It outlives the server and is found again. If the machine went down, it is LOST; so is a remote one."

SCRIPT_PROPERTIES = (
    Property(name="scriptName", help="Script to run; its text may hold ${parameters} and #{expressions}."),
    Property(name="statement", help="Text to run instead of a script, taken as it is.", scanned=False),
    Property(
        name="connectionName",
        help="Where to run: a connection of type HOST (over SSH); `local`, or nothing, is the host of the server.",
        default=LOCAL_CONNECTION,
    ),
    Property(name="arguments", help="Positional arguments, split as a shell splits a line (quotes count)."),
    Property(name="interactiveInput", help="Lines that the program reads from its standard input."),
    *CONTAINER_PROPERTIES,
    *LIMIT_PROPERTIES,
)


class ScriptNode:
    """A node that gives a text to an interpreter, as a file in its own folder. The types differ in what follows."""

    type: NodeType
    file: str
    """Name of the file."""

    def interpreter(self, text: str, environment: Mapping[str, str]) -> tuple[str, ...]:
        """What runs the text: the beginning of the command line; the file and the arguments follow."""
        raise NotImplementedError

    def check(self, context: Context) -> Failed | None:
        try:
            given = node_limits(context)
        except ValueError as error:
            return refused(str(error))
        if given != NO_LIMITS and context.connection is not None:
            return refused(
                f"{MEMORY} and {SECONDS} hold for programs on {context.machine}; on {context.connection.name!r} "
                "nothing would see to them. Remove them, and set limits in the script (ulimit) or for its user there."
            )
        if context.on_worker and (binding := self.bound(context)) is not None:
            return refused(f"{binding} Set workerGroup to local.")
        objects_to = objection_to_container(context)
        if objects_to is not None:
            return refused(objects_to)
        return check_script(context, self.type.name)

    def bound(self, context: Context) -> str | None:
        """A text that names the workspace's folder wants what is in it, or leaves something for others there."""
        named = context.properties.get("connectionName", "").strip() or (
            context.script.connection_name.strip() if context.script is not None else ""
        )
        if named not in ("", LOCAL_CONNECTION):
            return None  # on that other host there is no such folder anyway
        texts = [*context.properties.items(), ("The script", "" if context.script is None else context.script.text)]
        found = next((name for name, text in texts if WORKSPACE_FOLDER in text), None)
        if found is None:
            return None
        return f"{found} uses {WORKSPACE_FOLDER}, and the files of the workspace are on the server's machine alone."

    def short(self, context: Context) -> bool:
        """Whether `check`, `program` and `outcome` take less than a thread costs to wake."""
        script = context.script
        text = context.properties.get("statement", "") if script is None else script.text
        return context.connection is None and not wants_container(context) and len(text) <= SHORT_TEXT_BYTES

    def limits(self, context: Context) -> ProgramLimits:
        return node_limits(context)

    def interpreter_elsewhere(self, text: str) -> tuple[str, ...]:
        """The same on another host, of which nothing is known."""
        return self.interpreter(text, {"PATH": ""})

    def program(self, context: Context) -> Program:
        return self.program_within(context, NO_LIMITS)

    def program_within(self, context: Context, limits: ProgramLimits) -> Program:
        """`limits`: what it may take, for a container, which holds itself to them."""
        text = script_text(context, self.type.name)
        arguments = script_arguments(context)
        stdin = script_input(context)
        assert isinstance(text, str)
        assert isinstance(arguments, list)
        assert isinstance(stdin, bytes)
        environment = program_environment(context)
        content = text.encode("utf-8", "surrogateescape")
        if context.connection is not None:
            return ssh_program(
                context,
                interpreter=self.interpreter_elsewhere(text),
                file=self.file,
                text=content,
                arguments=arguments,
                environment=environment,
                stdin=stdin,
            )
        hidden = SCRIPT_TEXT in context.secret_places
        if wants_container(context):
            return container_program(
                context,
                limits,
                interpreter=self.interpreter_elsewhere(text),
                file=self.file,
                text=content,
                hidden=hidden,
                arguments=arguments,
                environment=environment,
                stdin=stdin,
            )
        path = HIDDEN_TEXT if hidden else str(context.folder / self.file)
        argv = (*self.interpreter(text, environment), path, *arguments)
        files = {} if hidden else {self.file: content}
        if stdin:
            files[INPUT] = stdin
            argv = ("/bin/sh", "-c", 'exec "$@" < "$0"', str(context.folder / INPUT), *argv)
        return Program(
            argv=argv,
            environment=environment,
            files=files,
            hidden=content if hidden else None,
            directory=context.folder / "work",
        )

    def outcome(self, context: Context, exit_code: int) -> Outcome:
        return script_outcome(context, exit_code)


def refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)


def script_text(context: Context, script_type: str) -> str | Failed:
    """The text to run, or why there is none."""
    name, statement = context.properties.get("scriptName", ""), context.properties.get("statement", "")
    script = context.script
    if (name or script is not None) and statement:
        return refused("Both scriptName and statement are set; which one to run is not clear. Remove one of them.")
    if script is not None:
        if script.type.strip().lower() != script_type.lower():
            return refused(
                f"The script {script.name!r} is of type {script.type!r}; this node runs {script_type} scripts."
            )
        text = script.text
    elif name:
        return refused(f"There is no script {name!r}.")
    else:
        text = statement
    text = _as_meant(text)
    if not text.strip():
        return refused("There is nothing to run: set scriptName or statement.")
    if "\0" in text:
        return refused("The text to run holds a NUL character.")
    if len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        return refused(f"The text to run is longer than {MAX_TEXT_BYTES:,} bytes.")
    return text


def _as_meant(text: str) -> str:
    """Without what editors on Windows add: a mark of the byte order hides the `#!` line, and a shell takes the CR at a
    line's end for a part of its last word. Among other line breaks a CR is meant."""
    text = text.removeprefix("\ufeff")
    typed_on_windows = "\r\n" in text and text.count("\r\n") == text.count("\n")
    return text.replace("\r\n", "\n") if typed_on_windows else text


def script_arguments(context: Context) -> list[str] | Failed:
    text = context.properties.get("arguments", "")
    if not text:
        return []
    if "arguments" in context.secret_places:
        return refused(
            "The arguments hold a masked parameter, which everybody could read in the list of processes. Let the "
            f"program read it from its environment ({PREFIX}<NAME>), or use ${{name}} in the text of a script."
        )
    if "\0" in text:
        return refused("The arguments hold a NUL character.")
    try:
        arguments = shlex.split(text)
    except ValueError as error:
        return refused(f"The arguments {text!r} can't be split: {str(error).lower()}.")
    longest = max((len(each.encode("utf-8", "surrogatepass")) for each in arguments), default=0)
    if longest > LONGEST_BYTES:
        return refused(
            f"One of the arguments has {longest:,} bytes, and a process takes at most {LONGEST_BYTES:,} in one. Let "
            "the program read it from its standard input (interactiveInput), or put it into the text of a script."
        )
    return arguments


def script_input(context: Context) -> bytes | Failed:
    """What the program is to read from stdin."""
    given = [name for name, value in context.properties.items() if value and any(p in name.lower() for p in _INPUTS)]
    if len(given) > 1:
        return refused(f"{' and '.join(sorted(given))} are both set; which one to read is not clear. Remove one.")
    if not given:
        return b""
    if given[0] in context.secret_places:
        return refused(
            f"{given[0]} holds a masked parameter, and would be in a file. Let the program read it from its "
            f"environment ({PREFIX}<NAME>)."
        )
    text = context.properties[given[0]]
    if len(text) > MAX_TEXT_BYTES:
        return refused(f"{given[0]} is longer than {MAX_TEXT_BYTES:,} characters.")
    return (text if text.endswith("\n") else text + "\n").encode("utf-8", "surrogateescape")


def refuse_other_places(context: Context) -> Failed | None:
    """Refuse what would have to run elsewhere, or may not run here."""
    for name, value in context.properties.items():
        word = name.lower()
        here = ("", LOCAL_CONNECTION) if word == "connectionname" else ("",)
        if value.strip() in here or (word == "connectionname" and context.connection is not None):
            continue
        if any(place in word for place in _PLACES):
            return refused(
                f"{name} is {value!r}: this node can only run on the host of the server "
                f"(connectionName {LOCAL_CONNECTION!r} or none), and never runs there in place of somewhere else."
            )
    if context.connection is not None:
        return objection(context.connection)
    connection = context.script.connection_name.strip() if context.script is not None else ""
    # the node's own connectionName wins over the script's
    if connection not in ("", LOCAL_CONNECTION) and not context.properties.get("connectionName", "").strip():
        return refused(
            f"The script {context.script.name if context.script else ''!r} belongs to the connection {connection!r}, "
            f"which can't be used here; set the node's connectionName to {LOCAL_CONNECTION!r} to run it on the server."
        )
    return refuse_programs(context)


def refuse_programs(context: Context) -> Failed | None:
    """Where the workspace may run no programs on the server's host."""
    if not context.local_programs_allowed:
        return refused(
            f"Programs on the server's host are not allowed in this workspace ({context.workspace_id}). "
            "An administrator can allow local programs in the workspace's settings; "
            "it means to trust everybody who may edit its jobs with the server's OS user."
        )
    return None


def check_script(context: Context, script_type: str) -> Failed | None:
    refusal = refuse_other_places(context)
    if refusal is not None:
        return refusal
    text = script_text(context, script_type)
    for found in (text, script_arguments(context), script_input(context)):
        if isinstance(found, Failed):
            return found
    return _refuse_parameters(context, str(text))


def _refuse_parameters(context: Context, text: str) -> Failed | None:
    """Refuse a program that wants to read a parameter which no environment takes. One that doesn't runs without it."""
    for name, value in context.parameters.items():
        reason = unfit(name, value)
        if reason is not None and parameter_variable(name) in text:
            return refused(
                f"The parameter {name!r} can't be in the variable {parameter_variable(name)}: {reason}. "
                f"Use ${{{name}}} in the text of a script, or let the program read a file."
            )
    return None


def script_outcome(context: Context, exit_code: int) -> Outcome:
    """Exit code 0 is success; the output is written to `output` and named in the outcome either way."""
    tail = log_tail(context.folder / "log")
    output = None
    if tail:
        output = "output"
        (context.folder / output).write_bytes(_without_line_break(tail).encode())
    if exit_code == 0:
        return Succeeded(output=output)
    message = f"Exit code {exit_code}{_meaning(exit_code)}."
    last = _last_lines(tail)
    if last:
        message += f" The log ends with: {last}"
    return Failed(kind=FailureKind.ERROR, message=message, exit_code=exit_code, output=output)


def log_tail(log: Path, characters: int = OUTPUT_CHARACTERS) -> str:
    """The last characters of a log, decoded leniently. A missing log is an empty one."""
    try:
        file = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        size = os.fstat(file).st_size
        start = max(0, size - 4 * characters - 4)
        data = os.pread(file, size - start, start) if size else b""
    finally:
        os.close(file)
    if start:  # in the middle of a character: its remaining bytes are no character
        skip = 0
        while skip < min(3, len(data)) and data[skip] & 0xC0 == 0x80:
            skip += 1
        data = data[skip:]
    return data.decode("utf-8", "replace")[-characters:]


def _without_line_break(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\r\n") else text.removesuffix("\n")


def _last_lines(tail: str) -> str:
    lines = [line.strip() for line in _FOR_TERMINALS.sub("", tail).splitlines() if line.strip()]
    text = " | ".join(lines[-3:])
    return text if len(text) <= MESSAGE_CHARACTERS else "…" + text[-MESSAGE_CHARACTERS:]


def _meaning(code: int) -> str:
    if code == 126:
        return " (the program was found but can't be executed)"
    if code == 127:
        return " (the program was not found)"
    if code <= 128:
        return ""
    try:
        name = signal.Signals(code - 128).name
    except ValueError:
        return ""
    hint = "; killed from outside, or out of memory" if name == "SIGKILL" else ""
    return f" (ended by signal {code - 128}, {name}{hint})"
