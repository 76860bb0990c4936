"""The first steps of `docs/howto/scale-out.md`: from SQLite to PostgreSQL, and to two servers."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.e2e.house import COMMAND, House, house, node

pytestmark = pytest.mark.postgres
PAGE = Path(__file__).parents[2] / "docs" / "howto" / "scale-out.md"
ADDRESS = "postgresql://arkwright@db.example.org/arkwright"


def _called(beginning: str, address: str, data: Path) -> None:
    """Run the page's line that begins like this, with this test's places in place of the page's."""
    [line] = re.findall(rf"^arkwright ({beginning} .*)$", PAGE.read_text(), flags=re.MULTILINE)
    words = [word.replace(ADDRESS, address).replace("/srv/arkwright", str(data)) for word in shlex.split(line)]
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_an_installation_moves_to_postgres_and_gets_a_second_server(tmp_path: Path, postgres_address: str) -> None:
    with house(tmp_path / "1") as first:
        client = first.client()
        client.save_job("j", node("a", statement="echo 7"))
        before = client.run("j")
        assert client.ended("j", before)["status"] == "success"
        client.close()
        assert first.stop() == 0
        _called("db copy", postgres_address, first.data)
        _called("db check", postgres_address, first.data)

        first.options = ["--database-url", postgres_address]
        first.start()
        key = tmp_path / "seal.key"
        shutil.copy2(first.data / "secret.key", key)
        options = [*first.options, "--seal-key-file", str(key)]
        second = House(folder=tmp_path / "2", options=options, keys_of=first)
        try:
            second.start()
            client = second.client()
            assert client.show("j", before)["status"] == "success"
            assert client.ended("j", client.run("j"))["status"] == "success"
            assert client.listed()[0] == 2
            client.close()
            assert second.stop() == 0
        finally:
            second.close()
        assert first.stop() == 0
