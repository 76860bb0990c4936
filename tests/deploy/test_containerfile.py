"""The image's recipe: no complaint of its linter, and its lock file is one of this project's dependencies."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.e2e.house import house

ROOT = Path(__file__).parents[2]
EXTRAS = ("notify", "kafka", "watch", "s3", "sql", "ssh", "dask")


def _names(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==([^ ]+)", lock.read_text(), flags=re.MULTILINE))


def test_the_linter_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not installed here")
    done = subprocess.run(
        [hadolint, str(ROOT / "deploy" / "Containerfile")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_image_has_every_extra_at_the_versions_that_were_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    image, tested = _names(ROOT / "deploy" / "requirements.lock"), _names(ROOT / "requirements-dev.lock")
    wanted = [*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra])]
    names = {re.match(r"[A-Za-z0-9-]+", each)[0].lower() for each in wanted}  # type: ignore[index]
    assert names <= image.keys(), f"run `make lock`: {names - image.keys()}"
    other = {name: (version, tested[name]) for name, version in image.items() if tested.get(name, version) != version}
    assert not other, f"run `make lock`: {other}"


def test_every_line_of_the_image_s_lock_is_held_by_hashes_and_names_no_index() -> None:
    text = (ROOT / "deploy" / "requirements.lock").read_text()
    assert "://" not in text
    lines = re.findall(r"^[a-z0-9].*$", text, flags=re.MULTILINE)
    assert lines
    assert all(line.endswith("\\") for line in lines), "each requirement goes on with its hashes"


def test_what_the_recipe_copies_is_in_its_context() -> None:
    recipe = (ROOT / "deploy" / "Containerfile").read_text()
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    taken = {line[1:] for line in ignored if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", recipe, flags=re.MULTILINE):
        for source in line.split()[:-1]:
            path = source.rstrip("/")
            assert (ROOT / path).exists(), source
            assert path in taken or path.split("/")[0] in taken, source


def test_the_health_check_tells_a_server_from_none(tmp_path: Path) -> None:
    script = ROOT / "deploy" / "healthcheck.py"

    def ask(port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(script), *arguments]
        given = {"ARKWRIGHT_PORT": str(port)}
        return subprocess.run(command, env=given, capture_output=True, text=True, timeout=30, check=False)

    with house(tmp_path) as home:
        port = int(home.url.rsplit(":", 1)[1])
        assert ask(port).returncode == ask(port, "/readyz").returncode == 0
        assert ask(port, "/no-such-path").returncode == 1
        home.stop()
        gone = ask(port)
        assert gone.returncode == 1
        assert str(port) in gone.stderr
