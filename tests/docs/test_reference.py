from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
from tests.architecture.files import TOP, tracked

from arkwright.settings import Settings

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", TOP / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "cli.md"])
def test_the_reference_is_in_step_with_the_code(name: str) -> None:
    written = (TOP / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == generator().PAGES[name](), "run `make docs`"


def test_every_setting_has_a_help_text() -> None:
    for each in fields(Settings):
        assert each.metadata["help"].endswith(".")


@pytest.mark.parametrize("page", [path.relative_to(TOP) for path in tracked() if path.suffix == ".md"], ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", (TOP / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = [
        target
        for target in LINK.findall(text)
        if "://" not in target and not (TOP / page).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_the_readme_names_the_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (TOP / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"setup", "run", "test", "check", "fix", "serve", "bench", "docs"} <= targets
    pages = (TOP / "README.md").read_text() + (TOP / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", pages, flags=re.MULTILINE)) <= targets
