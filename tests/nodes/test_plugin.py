"""A third party's node type: a package that is installed, found by its entry point, and run like a built-in type."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import Server, host_environment, log_of, output_of
from tests.nodes.hosted_kit import HostedStage

from arkwright.api.v1.node_types import NodeTypeList, _item
from arkwright.core.outcome import Succeeded
from arkwright.executors.resident import ResidentExecutor
from arkwright.nodes.base import Failed, Work
from arkwright.nodes.registry import Registry

MODULE = """
from arkwright.nodes.base import Category, NodeType, Property, Succeeded, Work


class TeaPot:
    type = NodeType(
        name="TeaPot", title="Tea pot", work=Work.HOSTED, summary="Brews.", category=Category.SERVICE, icon="teapot",
        properties=(Property(name="leaves", help="Which tea.", required=True, choices=("green", "black")),),
        example={"name": "brew", "type": "TeaPot", "properties": [{"name": "leaves", "value": "green"}]},
        repeated="Brews again.",
    )

    def check(self, context):
        return None

    def host(self, context):
        return "teapots"

    async def run(self, context, log):
        log(b"brewing\\n")
        (context.folder / "output").write_text(context.properties["leaves"] + " tea")
        return Succeeded(output="output")

    async def recall(self, context):
        return None
"""
INFO = "teapot-1.0.dist-info"
FILES = {
    "teapot.py": MODULE,
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: teapot\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[arkwright.nodes]\nTeaPot = teapot:TeaPot\n",
    f"{INFO}/RECORD": "teapot.py,,\n",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    wheel = tmp_path / "teapot-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for name, text in FILES.items():
            made.writestr(name, text)
    folder = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip"] if _has_pip() else [shutil.which("uv") or "uv", "pip"]
    done = subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(folder)
    return folder


def _has_pip() -> bool:
    import importlib.util

    return importlib.util.find_spec("pip") is not None


def test_an_installed_type_is_listed_described_and_run(installed: Path, tmp_path: Path) -> None:
    registry = Registry()
    found: Any = registry.find("tea-pot")
    assert not isinstance(found, Failed), found
    assert registry.work("teapot") is Work.HOSTED
    item = _item(found.type)
    assert (item.category, item.icon) == ("service", "teapot")
    assert item.schema["required"] == ["leaves"]
    assert NodeTypeList(nodeTypes=[item])

    stage = HostedStage(tmp_path)
    environment = {**host_environment(), "PYTHONPATH": f"{installed}:{host_environment().get('PYTHONPATH', '')}"}
    executor = ResidentExecutor(registry, stage.hosts, environment=environment)
    context = stage.context({"leaves": "green"})

    async def scene() -> object:
        server = Server(executor)
        await executor.open(server.finished)
        try:
            return await server.run("TeaPot", context)
        finally:
            await executor.close()

    try:
        outcome = asyncio.run(scene())
        assert isinstance(outcome, Succeeded), (outcome, log_of(context))
        assert output_of(context, outcome) == "green tea"
        assert log_of(context) == "brewing\n"
    finally:
        stage.close()
