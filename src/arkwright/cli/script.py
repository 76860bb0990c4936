"""`arkwright script`: save, look at and run scripts."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

import rich_click as click

from arkwright.cli import documents
from arkwright.cli.output import ago
from arkwright.cli.paging import paged, show_page
from arkwright.cli.parameters import FILE, PARAMETERS, opened
from arkwright.cli.target import Session, connected
from arkwright.errors import InvalidInput

NODE_TYPES = {"shell": "Shell", "python": "Python", "dlisql": "DLISQL"}
"""Per script type (lower case) the node type that runs it."""


@click.group()
def script() -> None:
    """Save, look at and run scripts, the texts behind nodes."""


@script.command()
@click.argument("file", metavar="FILE", type=FILE)
@click.option("--type", "type_", default="", metavar="TYPE", help="Type of a text file: Shell, PYTHON, DLISQL, …")
@click.option("--name", default="", help="Name of a text file's script; default: the file's, without its ending.")
@connected
def create(session: Session, file: Path, type_: str, name: str) -> None:
    """Save a new script from a JSON file (- reads stdin) or a text file.

    \b
      arkwright script create hello.sh
      arkwright script create totals.sql --type DLISQL
    """
    from arkwright.client import scripts

    document = documents.read_script(opened(file), type_=type_, name=name)
    session.send(scripts.create(document))
    session.output.done(f"Created script {document['name']}.", {"name": document["name"], "result": "created"})


@script.command()
@click.argument("name")
@click.argument("file", metavar="FILE", type=FILE)
@connected
def edit(session: Session, name: str, file: Path) -> None:
    """Save a new version of a script from a JSON file (- reads stdin) or a text file.

    A text file replaces the text and leaves everything else as it is.

    \b
      arkwright script edit hello hello.sh
    """
    from arkwright.client import scripts

    source = opened(file)
    if source is None or source.suffix == ".json":
        document = documents.read_script(source)
    else:
        text = documents.read_script(source, type_="text")["content"]
        stored = session.send(scripts.get(name))
        document = {**stored, "content": text}
    session.send(scripts.edit(name, document))
    session.output.done(f"Changed script {name}.", {"name": name, "result": "changed"})


@script.command()
@click.argument("name")
@click.option("--text", is_flag=True, help="Only its text.")
@connected
def get(session: Session, name: str, text: bool) -> None:
    """Print a script's document as JSON, or its text.

    \b
      arkwright script get hello --text
    """
    from arkwright.client import scripts

    document = session.send(scripts.get(name))
    if text and not session.output.as_json:
        sys.stdout.write(str(document.get("content", "")))
    else:
        session.output.json(document)


@script.command("list")
@paged("scripts")
@connected
def list_(session: Session, name: str, page: int, limit: int) -> None:
    """List scripts.

    \b
      arkwright script list
    """
    from arkwright.client import scripts

    found = session.send(scripts.find(name=name, page=page, limit=limit))
    show_page(
        session,
        found,
        "scripts",
        lambda each: [
            str(each.get("name", "")),
            str(each.get("type", "")),
            str(each.get("version") or ""),
            ago(each.get("modifyTime")),
            str(each.get("owner") or ""),
        ],
        ["Script", "Type", "Version", "Changed", "By"],
        name=name,
        page=page,
    )


@script.command()
@click.argument("name")
@connected
def delete(session: Session, name: str) -> None:
    """Delete a script. Running instances keep the version they began with.

    \b
      arkwright script delete hello
    """
    from arkwright.client import scripts

    session.send(scripts.delete(name))
    session.output.done(f"Deleted script {name}.", {"name": name, "result": "deleted"})


@script.command("run")
@click.argument("name")
@PARAMETERS
@click.option(
    "-a", "--arguments", default="", metavar="TEXT", help="The program's arguments, as a shell would split them."
)
@connected
def run_(session: Session, name: str, parameters: dict[str, str], arguments: str) -> int:
    """Run a script once and follow it, as a job of one node that is deleted afterwards.

    The exit code is 0 only if it ends in success. Its log stays with the instance.

    \b
      arkwright script run hello -p who=world
    """
    from arkwright.cli.follow import follow_instance
    from arkwright.client import jobs, scripts

    document = session.send(scripts.get(name))
    job = _one_node_job(document, name, arguments)
    session.send(jobs.create(job))
    try:
        run = session.send(jobs.run(job["name"], parameters=parameters))
        return follow_instance(session, job["name"], run.instance_id)
    finally:
        session.send(jobs.delete(job["name"]))


def _one_node_job(script_document: dict[str, Any], name: str, arguments: str) -> dict[str, Any]:
    script_type = str(script_document.get("type", ""))
    node_type = NODE_TYPES.get(script_type.lower())
    if node_type is None:
        raise InvalidInput(
            f"{name} is a {script_type} script; only {', '.join(NODE_TYPES.values())} can run on this machine."
        )
    properties = [{"name": "scriptName", "value": name}]
    if arguments:
        properties.append({"name": "arguments", "value": arguments})
    return {
        "name": f"script-{name[:80]}-{uuid.uuid4().hex[:12]}",
        "processType": "BATCH",
        "schedule": {"type": "EXECUTE_ONCE"},
        "nodes": [
            {
                "name": name,
                "type": node_type,
                "location": {"x": "0", "y": "0"},
                "properties": properties,
            }
        ],
    }
