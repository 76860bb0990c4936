"""The way from one machine to many: what its page calls is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.deploy.commands import objection

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "scale-out.md"


def _lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", [line for line in _lines() if "arkwright " in line and "helm" not in line])
def test_a_command_of_the_page_is_one_that_there_is(line: str) -> None:
    words = shlex.split(line)
    words = words[words.index("arkwright") + 1 :]
    assert not objection(words)


def test_files_and_targets_that_the_page_names_exist() -> None:
    root = PAGE.parents[2]
    for line in _lines():
        for path in re.findall(r"\bdeploy/[\w./-]+", line):
            assert path == "deploy/.env" or (root / path).exists(), path
        for target in re.findall(r"^make ([\w-]+)", line):
            assert re.search(rf"^{target}:", (root / "Makefile").read_text(), flags=re.MULTILINE), target
