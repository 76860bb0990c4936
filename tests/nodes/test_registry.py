"""Types are found under each spelling, cheaply, and third parties come in by the same door."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from arkwright.core.outcome import FailureKind
from arkwright.nodes import registry as module
from arkwright.nodes.base import Context, Failed, NodeType, Work
from arkwright.nodes.registry import BUILT_IN, Registry, canonical


class Teapot:
    type = NodeType(name="Tea Pot", title="Tea pot", work=Work.CONTROL, summary="Short and stout.")

    def check(self, context: Context) -> Failed | None:
        return None


@pytest.mark.parametrize("name", ["Shell", "shell", "SHELL", "s h-e_ll"])
def test_a_type_is_found_under_each_spelling(name: str) -> None:
    node = Registry(group=None).find(name)
    assert not isinstance(node, Failed)
    assert node.type.name == "Shell"


def test_an_unknown_type_is_refused_with_what_exists() -> None:
    found = Registry(group=None).find("Coffee")
    assert isinstance(found, Failed)
    assert found.kind is FailureKind.REFUSED
    assert "'Coffee'" in found.message
    assert all(name in found.message for name in ("Dummy", "ForEach", "Python", "RESTAPI", "Shell", "Subjob"))
    assert Registry(group=None).work("Coffee") is None


def test_the_table_says_what_the_modules_say() -> None:
    registry = Registry(group=None)
    for entry in BUILT_IN:
        work = registry.work(entry.name)
        node = registry.find(entry.name)
        if isinstance(node, Failed):
            pytest.skip(f"{entry.name} is not there yet: {node.message}")
        assert (node.type.name, node.type.work) == (entry.name, entry.work)
        assert work is entry.work
        assert {canonical(alias) for alias in node.type.aliases} <= {canonical(alias) for alias in entry.aliases}


def test_asking_for_the_kind_of_work_imports_no_node_library() -> None:
    text = (
        "import sys; from arkwright.nodes.registry import Registry; r = Registry()\n"
        "print([r.work(n).value for n in ('shell', 'DLI SQL', 'Rest Client')])\n"
        "names = ('arkwright.nodes.shell', 'arkwright.nodes.dlisql', 'duckdb', 'httpx2')\n"
        "print([name for name in names if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines() == ["['program', 'hosted', 'hosted']", "[]"]


def test_a_type_can_be_added_to_one_process() -> None:
    registry = Registry(group=None)
    registry.add(Teapot())
    assert registry.work("teapot") is Work.CONTROL
    assert "Tea Pot" in registry.names()


def test_third_parties_offer_types_by_entry_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_plugin.py").write_text("raise ImportError('its library is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint("Tea Pot", f"{__name__}:Teapot", "arkwright.nodes"),
        EntryPoint("Shell", f"{__name__}:Teapot", "arkwright.nodes"),
        EntryPoint("Broken", "broken_plugin:Node", "arkwright.nodes"),
    ]
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, module))
    monkeypatch.setattr(sys.modules[__name__], "Teapot", Teapot, raising=False)

    def entry_points(**_: Any) -> list[EntryPoint]:
        return points

    monkeypatch.setattr(module, "entry_points", entry_points)
    registry = Registry()

    teapot = registry.find("tea-pot")
    assert not isinstance(teapot, Failed)
    assert teapot.type.name == "Tea Pot"
    shell = registry.find("Shell")
    assert not isinstance(shell, Failed)
    assert shell.type.name == "Shell"  # a built-in name can't be taken over
    broken = registry.find("broken")
    assert isinstance(broken, Failed)
    assert "its library is missing" in broken.message
    assert "Tea Pot" in [kind.name for kind in registry.types()]
