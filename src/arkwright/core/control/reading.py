"""How settings of control nodes are read; for Subjob and For Each: the job they run, and what they hand to it.

The documents show these nodes only as forms, so several spellings of a setting are known; case, hyphens, underscores
and spaces in its name don't matter. The first of each list is ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from arkwright.core.document_values import text_of
from arkwright.core.job import Node

JOB_NAME = ("jobName", "subJobName", "subJob", "job", "loopJobName", "loopSubJob", "innerJobName")
PARAMETERS = (
    "params",
    "jobParams",
    "jobParam",
    "subJobParams",
    "subJobParam",
    "subJobParameters",
    "subJobParameter",
    "parameters",
    "jobParameters",
    "jobRunningParameter",
)
DATASET = ("dataset", "dataSets", "loopDataset", "dataArray")
CONCURRENCY = (
    "concurrency",
    "concurrent",
    "concurrentSubJobs",
    "concurrentSubJob",
    "concurrentNum",
    "concurrentNumber",
    "subJobConcurrent",
    "subJobConcurrency",
    "parallelism",
)
SUFFIX = ("suffix", "subJobSuffix", "subJobNameSuffix", "subJobInstanceNameSuffix", "instanceNameSuffix")

ASSIGNED_NAME = ("name", "variable", "variableName", "parameterName")
"""Of an Assignment: what later nodes call its value."""
VARIABLE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_SEPARATORS = str.maketrans("", "", " -_")


class SettingWrong(ValueError):
    """A setting of the node can't be used; the message names it and the way out."""


def setting(node: Node, names: tuple[str, ...]) -> str:
    """The setting's text as it was written; empty: not given."""
    wanted = plain_names(names)
    for name, value in node.properties.items():
        if _plain(name) in wanted and value.strip():
            return value
    return ""


def names_in(text: str) -> tuple[str, ...]:
    """Names separated by commas or line ends, each once; a JSON list of them is one, too."""
    if text.strip().startswith("["):
        try:
            given = msgspec.json.decode(text, type=list[str])
        except (msgspec.DecodeError, msgspec.ValidationError):
            given = [text]
    else:
        given = text.replace("\n", ",").split(",")
    return tuple(dict.fromkeys(each.strip() for each in given if each.strip()))


def plain_names(names: tuple[str, ...]) -> frozenset[str]:
    """The spellings as they are compared."""
    return frozenset(_plain(name) for name in names)


def job_name(node: Node) -> str:
    """The job that the node runs. Raises `SettingWrong`."""
    name = setting(node, JOB_NAME).strip()
    if not name:
        raise SettingWrong(f"The node {node.name!r} does not say which job it runs: give the property {JOB_NAME[0]}.")
    if "#{" in name or "${" in name:
        raise SettingWrong(
            f"The node {node.name!r} runs the job {name!r}: its name must be fixed, since the version that runs is "
            "chosen when the instance begins."
        )
    return name


def parameters(node: Node) -> Mapping[str, str]:
    """Name and text of each value that the node hands over; an empty one means the job's own. Raises `SettingWrong`.

    Written as a JSON list of `{"name", "value"}`, as a JSON object, or as one `name=value` a line.
    """
    text = setting(node, PARAMETERS).strip()
    if not text:
        return {}
    found = _from_json(node, text) if text[0] in "[{" else _from_lines(node, text)
    return {name: value for name, value in found.items() if value != ""}


def _from_json(node: Node, text: str) -> dict[str, str]:
    try:
        given: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise _wrong(node, f"is no JSON ({error})") from None
    if isinstance(given, dict):
        return {str(name): text_of(value) for name, value in given.items()}
    found: dict[str, str] = {}
    for each in given:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name:
            raise _wrong(node, "holds an entry without a name")
        if name in found:
            raise _wrong(node, f"gives {name!r} twice")
        found[name] = text_of(each.get("value"))
    return found


def _from_lines(node: Node, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not line.strip():
            continue
        if not equals or not name.strip():
            raise _wrong(node, f"holds the line {line.strip()[:60]!r}")
        found[name.strip()] = value.strip()
    return found


def _wrong(node: Node, what: str) -> SettingWrong:
    return SettingWrong(
        f"The property {PARAMETERS[0]} of node {node.name!r} {what}. "
        'Write [{"name": "day", "value": "#{Loop.current[0]}"}], or one name=value a line.'
    )


def _plain(name: str) -> str:
    return name.translate(_SEPARATORS).lower()
