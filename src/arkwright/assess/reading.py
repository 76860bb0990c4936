"""Collects what many zips hold, so that a job of one may use a script of another.

Rules: what can't be read is a fault of that file or entry, and the rest goes on. A name that comes twice with the same
content is one thing; with another content, the first one read counts and the other is a fault. What an entry is, its
ending says; in the folders of a backup (`1_env`, `2_resources`, `3_scripts`, `4_jobs`), its folder may say it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arkwright.assess.model import Fault
from arkwright.transfer.package import (
    CONNECTIONS,
    JOBS,
    Entry,
    EntryInvalid,
    EntryKind,
    Package,
    PackageInvalid,
    leads_out,
)

_FOLDERS = {
    "2_resources": EntryKind.RESOURCE,
    "resources": EntryKind.RESOURCE,
    "3_scripts": EntryKind.SCRIPT,
    "scripts": EntryKind.SCRIPT,
    "4_jobs": EntryKind.JOB,
    "jobs": EntryKind.JOB,
    "connections": EntryKind.CONNECTION,
}
_VARIABLES = frozenset({"1_env", "env"})
_LISTS = ("variables", "constants", "params", "envs", "env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document, and where it was found first."""

    document: Mapping[str, Any]
    file: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Everything that the zips hold, by kind and name."""

    files: list[str] = field(default_factory=list)
    things: dict[EntryKind, dict[str, Found]] = field(default_factory=lambda: {kind: {} for kind in EntryKind})
    variables: set[str] = field(default_factory=set)
    """Environment variables that a backup brings along."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def jobs(self) -> Mapping[str, Found]:
        return self.things[EntryKind.JOB]

    @property
    def scripts(self) -> Mapping[str, Found]:
        return self.things[EntryKind.SCRIPT]

    @property
    def resources(self) -> Mapping[str, Found]:
        return self.things[EntryKind.RESOURCE]

    @property
    def connections(self) -> Mapping[str, Found]:
        return self.things[EntryKind.CONNECTION]


def collect(files: Sequence[Path]) -> Collection:
    """Never raises for what stands in the files."""
    found = Collection()
    for file in files:
        found.files.append(str(file))
        try:
            with Package(file) as package:
                _collect(found, str(file), package)
        except PackageInvalid as error:
            found.faults.append(Fault(file=str(file), entry="", reason=error.message))
    return found


def _collect(found: Collection, file: str, package: Package) -> None:
    for entry in package.entries(JOBS | CONNECTIONS):
        try:
            if entry.kind is None and not leads_out(entry.path):
                _guess(found, file, package, entry)
            elif entry.fault or entry.kind is None:
                raise EntryInvalid(entry.fault)
            else:
                _add(found, file, entry.path, entry.kind, entry.name, package.read(entry))
        except EntryInvalid as error:
            found.faults.append(Fault(file=file, entry=entry.path, reason=error.message))


def _guess(found: Collection, file: str, package: Package, entry: Entry) -> None:
    """An entry without a known ending, told by the folder it lies in."""
    folders = [each.lower() for each in entry.path.split("/")[:-1]]
    kind = next((_FOLDERS[each] for each in reversed(folders) if each in _FOLDERS), None)
    of_environment = any(each in _VARIABLES for each in folders)
    if not (of_environment or (kind and entry.path.lower().endswith(".json"))):
        raise EntryInvalid(entry.fault)
    document = package.read(entry)
    if of_environment:
        found.variables.update(_variable_names(document))
    elif kind is not None:
        name = document.get("name")
        _add(found, file, entry.path, kind, name if isinstance(name, str) and name else entry.name, document)


def _add(found: Collection, file: str, path: str, kind: EntryKind, name: str, document: Mapping[str, Any]) -> None:
    earlier = found.things[kind].setdefault(name, Found(document=document, file=file, path=path))
    if earlier.document != document:
        raise EntryInvalid(
            f"The {kind.value} {name} stands in {earlier.file} ({earlier.path}), too, and differs; that one was taken."
        )


def _variable_names(document: Mapping[str, Any]) -> Iterator[str]:
    """The layout is documented nowhere: a list of objects with a name, or a map from name to value."""
    lists = [document[each] for each in _LISTS if isinstance(document.get(each), list | dict)]
    for each in lists or [document]:
        if isinstance(each, list):
            yield from (item["name"] for item in each if isinstance(item, dict) and isinstance(item.get("name"), str))
        elif isinstance(each.get("name"), str):
            yield each["name"]
        else:
            yield from (name for name, value in each.items() if not isinstance(value, dict | list))
