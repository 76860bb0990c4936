"""The way from one machine to many: the files that its page names are there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "scale-out.md"


def _lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_files_and_targets_that_the_page_names_exist() -> None:
    root = PAGE.parents[2]
    for line in _lines():
        for path in re.findall(r"\bdeploy/[\w./-]+", line):
            assert path == "deploy/.env" or (root / path).exists(), path
        for target in re.findall(r"^make ([\w-]+)", line):
            assert re.search(rf"^{target}:", (root / "Makefile").read_text(), flags=re.MULTILINE), target
