from __future__ import annotations

import os
from pathlib import Path

from tests.cli.conftest import Cli


def test_a_file_goes_in_is_listed_comes_back_and_is_removed(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ü x.bin"
    content = os.urandom(500_000)
    file.write_bytes(content)
    assert cli("obs", "cp", str(file), "obs://cli-bucket/in/").code == 0
    listed = cli("obs", "ls", "obs://cli-bucket/in", "--json").json
    assert [(each["key"], each["size"]) for each in listed["objects"]] == [("in/ü x.bin", 500_000)]
    assert "obs://cli-bucket/in/ü" in cli("obs", "ls", "obs://cli-bucket/").out
    back = tmp_path / "back"
    back.mkdir()
    done = cli("obs", "cp", "obs://cli-bucket/in/ü x.bin", str(back), "--json")
    assert done.json == {"from": "obs://cli-bucket/in/ü x.bin", "to": str(back / "ü x.bin"), "size": 500_000}
    assert (back / "ü x.bin").read_bytes() == content
    assert cli("obs", "rm", "obs://cli-bucket/in/ü x.bin").code == 0
    assert cli("obs", "ls", "obs://cli-bucket", "--json").json["objects"] == []
    missing = cli("obs", "cp", "obs://cli-bucket/in/ü x.bin", str(tmp_path / "nothing"))
    assert missing.code == 1
    assert "DLF.0815" in missing.err
    assert not list(tmp_path.glob("*nothing*"))


def test_a_large_file_goes_in_although_bodies_have_a_limit(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * (13 * 1024 * 1024))
    assert cli("obs", "cp", str(file), "obs://cli-bucket/large").code == 0


def test_what_can_not_be_copied_says_so(cli: Cli, tmp_path: Path) -> None:
    for words in (
        ("cp", "a", "b"),
        ("cp", "obs://bbb/a", "obs://bbb/b"),
        ("cp", str(tmp_path), "obs://bbb/b"),
        ("cp", "obs://bbb/", str(tmp_path)),
        ("ls", "bbb"),
        ("rm", "obs://bbb/a/"),
        ("rm", "obs://bbb/nothing"),
        ("ls", "obs://nobody-has-it"),
    ):
        done = cli("obs", *words)
        assert done.code == 1, words
        assert done.err
