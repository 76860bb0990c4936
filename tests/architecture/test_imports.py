from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from tests.architecture.files import TOP

SOURCE = TOP / "src" / "arkwright"
TIME = {"time", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=TOP, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("package", ["core", "el"])
def test_the_core_never_asks_for_the_time(package: str) -> None:
    asked = []
    for file in (SOURCE / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("datetime.") in TIME:
                asked.append(f"{file.relative_to(TOP)}:{node.lineno}: {ast.unparse(node)}")
    assert asked == []


def test_sql_stands_in_the_store_only() -> None:
    sql = re.compile(r"^\s*(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\s", re.DOTALL)
    # The rule is about our own database. Nodes talk to the users' databases, in SQL.
    files = [f for f in SOURCE.rglob("*.py") if not {"store", "nodes"} & set(f.relative_to(SOURCE).parts)]
    found = [
        f"{file.relative_to(TOP)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.match(node.value)
    ]
    assert found == []


def test_every_package_imported_is_a_declared_dependency() -> None:
    """What only comes along with another package may vanish with its next release."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    every = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {_plain(re.split(r"[<>=!~; \[]", each)[0]) for group in every for each in group}
    distributions = packages_distributions()
    missing = {
        f"{name} ({file.relative_to(TOP)})"
        for file in SOURCE.rglob("*.py")
        for name in _imported(file)
        if name not in sys.stdlib_module_names
        and name != "arkwright"
        and not declared & {_plain(each) for each in distributions.get(name, [name])}
    }
    assert missing == set()


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
