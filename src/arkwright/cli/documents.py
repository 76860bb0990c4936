"""Jobs and scripts as files.

A job is one JSON file: the document that the API takes. A script is a JSON file too, whose `content` may stand in a
text file beside it, named by `contentFile`; or just a text file, whose ending tells its type. So a folder of both
can live in Git and be read there.

    jobs/myJob.json
    scripts/hello.json      {"name": "hello", "type": "Shell", "contentFile": "hello.sh"}
    scripts/hello.sh
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from arkwright.errors import InvalidInput

Document = dict[str, Any]

TYPES_BY_ENDING = {".sh": "Shell", ".py": "PYTHON"}
"""Endings that leave no doubt; `.sql` may be any of a dozen types."""

SUBMITTED = "arkwrightSubmitted"
"""Field of a job's file: the version that is submitted, where it is not the one in the file; null: none is."""

_WRITE_ONLY = frozenset({"targetStatus", "approvers"})
"""Fields that say how to save; the server does not answer them."""


def read_json(file: Path | None) -> Document:
    """One JSON object from a file; None reads stdin. Raises `InvalidInput` naming file, line and column."""
    name = str(file) if file else "stdin"
    try:
        value = json.loads(file.read_text(encoding="utf-8") if file else sys.stdin.read())
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name} is no JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise InvalidInput(f"{name} holds lists or objects within each other, deeper than JSON is read here.") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    except OSError as error:
        raise InvalidInput(f"{name} can't be read: {error.strerror}.") from None
    if not isinstance(value, dict):
        raise InvalidInput(f"{name} must hold a JSON object, not {type(value).__name__}.")
    return value


def read_job(file: Path | None) -> Document:
    return _named(read_json(file), file)


def read_script(file: Path | None, *, type_: str = "", name: str = "") -> Document:
    """A script from its JSON file (None: stdin), or from a text file of the given type or the one its ending tells."""
    if file is None or file.suffix == ".json":
        document = _named(read_json(file), file)
        content_file = document.pop("contentFile", None)
        if content_file is None:
            return document
        if "content" in document:
            raise InvalidInput(f"{file} has both content and contentFile; keep one.")
        if file is None or not isinstance(content_file, str):
            raise InvalidInput(f"contentFile of {file or 'stdin'} must be the name of a file beside it.")
        return {**document, "content": _text(file.parent, content_file)}
    type_ = type_ or TYPES_BY_ENDING.get(file.suffix, "")
    if not type_:
        raise InvalidInput(
            f"{file} does not tell the type of the script.", hint="Give it: --type DLISQL (or Shell, Python, …)."
        )
    return {"name": name or file.stem, "type": type_, "content": _text(file.parent, file.name)}


def content_files(folder: Path) -> dict[Path, Path]:
    """The text files that descriptions in the folder name, if they lie beside them."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        name = field_in(file, "contentFile")
        if name and Path(name).name == name and not name.endswith(".json"):
            found[file] = folder / name
    return found


def field_in(file: Path, field: str) -> str:
    """A text from a file that may be anything; empty: there is none."""
    try:
        value = json.loads(file.read_bytes())[field]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def same(local: Any, remote: Any) -> bool:
    """Whether saving `local` would change nothing: all of it stands in `remote`, which may hold more (ids, dates,
    defaults). The server answers numbers of coordinates as text, so these compare as text."""
    if isinstance(local, dict):
        return isinstance(remote, dict) and all(
            key in remote and same(value, remote[key]) for key, value in local.items() if key not in _WRITE_ONLY
        )
    if isinstance(local, list):
        return (
            isinstance(remote, list)
            and len(local) == len(remote)
            and all(same(here, there) for here, there in zip(local, remote, strict=True))
        )
    if isinstance(local, bool) or isinstance(remote, bool) or local is None or remote is None:
        return local is remote
    return bool(local == remote) or (not isinstance(remote, dict | list) and _text_of(local) == _text_of(remote))


def _text_of(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _named(document: Document, file: Path | None) -> Document:
    if not isinstance(document.get("name"), str) or not document["name"]:
        raise InvalidInput(f"{file or 'stdin'} has no name.", hint='Add "name" to the document.')
    return document


def _text(folder: Path, name: str) -> str:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{name} lies outside {folder}.", hint="contentFile names a file beside the document.")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror}.") from None
