"""What the pages tell people to type, set and call is there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from tests.architecture.files import TOP, tracked
from tests.deploy.commands import objection

from arkwright.api.routes import ROUTES
from arkwright.settings import Settings, variable_of

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPERATOR = re.compile(r"[();<>|&]+")
ASSIGNMENT = re.compile(r"(?:ExecStart|[A-Z][A-Z0-9_]*)=")
CALL = re.compile(r"\b(GET|POST|PUT|DELETE|HEAD|PATCH)\s+((?:/v\d|/obs|…)/[^\s`\"',;)]*)")
VARIABLE = re.compile(r"\bARKWRIGHT_[A-Z0-9_]*[A-Z0-9]\b")


def _is_about_today(page: Path) -> bool:
    """Decisions and the changelog tell of their time; the reference is written from the code."""
    return page.suffix == ".md" and not {"reference", "decisions"} & set(page.parts) and page.name != "CHANGELOG.md"


PAGES = [page for page in (path.relative_to(TOP) for path in tracked()) if _is_about_today(page)]


def _text(page: Path) -> str:
    return (TOP / page).read_text(encoding="utf-8")


def _lines(text: str) -> Iterator[str]:
    """Of blocks of code, and code between words."""
    for _, block in FENCE.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    rest = FENCE.sub("", text)
    yield from (line.strip() for line in rest.splitlines() if line.startswith("    "))
    yield from (each.replace("\n", " ") for each in re.findall(r"`([^`]+)`", rest))


def _commands(line: str) -> Iterator[list[str]]:
    """The words behind `arkwright` of each command of the line."""
    words = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    words.whitespace_split, words.commenters = True, "#"
    command: list[str] = []
    for word in (*words, ";"):
        if not OPERATOR.fullmatch(word):
            command.append(ASSIGNMENT.sub("", word) if word.startswith("ExecStart=") else word)
            continue
        while command and (ASSIGNMENT.match(command[0]) or command[0] in {"$", "sudo", "-u", "exec"}):
            del command[: 2 if command[0] == "-u" else 1]
        if command and Path(command[0]).name == "arkwright" and len(command) > 1:
            yield command[1:]
        command = []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_each_command_of_a_page_is_one_that_there_is(page: Path) -> None:
    typed = [
        words
        for line in _lines(_text(page))
        if re.search(r"(?:^|[ /=(])arkwright \S", line)
        for words in _commands(line)
        if words not in (["--help"], ["--version"])
    ]
    # A group alone is spoken of, not typed.
    assert [told for words in typed if (told := objection(words)) and "a command is missing" not in told] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_each_call_of_a_page_is_one_that_there_is(page: Path) -> None:
    if page.name == "alerts.md":  # the receiver's address
        pytest.skip("it shows what is sent, not what is called")
    assert [f"{method} {path}" for method, path in CALL.findall(_text(page)) if not _is_route(method, path)] == []


def _is_route(method: str, path: str) -> bool:
    """`…/x` is the end of a path; what stands for a variable may be any word."""
    segments = path.rstrip(".:").partition("?")[0].lstrip("…").strip("/").split("/")
    for route in ROUTES:
        there = route.path.strip("/").split("/")
        there = there[-len(segments) :] if path.startswith("…") else there
        same = len(there) == len(segments) and all(
            one == other or other.startswith("{") or one == "…" for one, other in zip(segments, there, strict=True)
        )
        if same and (route.method == method or (method == "HEAD" and route.method == "GET")):
            return True
    return False


@pytest.fixture(scope="module")
def code() -> str:
    kinds = {".py", ".yaml", ".example", ""}
    texts = (path for path in tracked() if path.suffix in kinds and path.relative_to(TOP).parts[0] != "docs")
    settings = " ".join(variable_of(each.name) for each in fields(Settings))
    return settings + "".join(path.read_text(encoding="utf-8", errors="replace") for path in texts)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_each_variable_of_a_page_is_one_that_there_is(page: Path, code: str) -> None:
    names = {re.sub("^ARKWRIGHT_PARAM_.*", "ARKWRIGHT_PARAM_", name) for name in VARIABLE.findall(_text(page))}
    assert sorted(name for name in names if name not in code) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_each_block_of_json_on_a_page_is_json(page: Path) -> None:
    for kind, block in FENCE.findall(_text(page)):
        if kind == "json":
            json.loads(block)
