"""Zips that nobody should trust, and the layouts that everybody writes."""

from __future__ import annotations

import asyncio
import json
import struct
import warnings
import zipfile
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest

from arkwright.transfer import package
from arkwright.transfer.archive import job_entry, script_entry, zipped
from arkwright.transfer.package import CONNECTIONS, JOBS, EntryKind, Package, PackageInvalid


def written(file: Path, *entries: tuple[str, Any]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is used twice
        for path, content in entries:
            archive.writestr(path, content if isinstance(content, bytes | str) else json.dumps(content))
    return file


def look(file: Path, kinds: frozenset[EntryKind] = JOBS) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """What can be imported as (kind, name), and faults by path."""
    with Package(file) as opened:
        entries = opened.entries(kinds)
        good = [(str(each.kind), each.name) for each in entries if not each.fault]
        return good, {each.path: each.fault for each in entries if each.fault}


def test_every_layout_of_the_cloud_is_read(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.zip",
        ("jobs/", ""),
        ("jobs/single.job", {"name": "single"}),
        ("jobs/one/one.job", {"name": "one"}),
        ("jobs/one/shared.script", {"name": "shared"}),
        ("jobs/two/two.job", {"name": "two"}),
        ("jobs/two/shared.script", {"name": "shared"}),
        ("scripts/作业.script", {"name": "作业"}),
        ("resources/r.resource", b'\xef\xbb\xbf{"x": 1}'),
    )
    good, faults = look(file)
    assert faults == {}
    assert good == [
        ("resource", "r"),
        ("script", "shared"),
        ("script", "作业"),
        ("job", "single"),
        ("job", "one"),
        ("job", "two"),
    ]


def test_what_is_wrong_with_one_entry_is_its_own_fault(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.zip",
        ("jobs/good.job", {"name": "good"}),
        ("jobs/broken.job", "{"),
        ("jobs/list.job", "[]"),
        ("jobs/deep.job", "[" * 100_000),
        ("jobs/latin.job", b'{"name": "\xff"}'),
        ("../../etc/out.job", {"name": "out"}),
        ("/abs.job", {"name": "abs"}),
        ("jobs/..\\x.job", {"name": "back"}),
        ("C:/x.job", {"name": "drive"}),
        ("readme.txt", "hello"),
        ("connections/c.conn", {"name": "c"}),
        ("jobs/twice.job", {"name": "twice"}),
        ("jobs/twice.job", {"name": "twice", "x": 1}),
        ("jobs/b/good.job", {"name": "good", "x": 1}),
        ("jobs/huge.job", b" " * (package.MAX_ENTRY_BYTES + 1)),
    )
    good, faults = look(file)
    assert good == [("job", "good")]
    assert {path: text for path, text in faults.items() if path.startswith("jobs/")}.keys() == {
        "jobs/broken.job",
        "jobs/list.job",
        "jobs/deep.job",
        "jobs/latin.job",
        "jobs/..\\x.job",
        "jobs/twice.job",
        "jobs/b/good.job",
        "jobs/huge.job",
    }
    assert "leads out" in faults["../../etc/out.job"]
    assert "leads out" in faults["/abs.job"]
    assert "leads out" in faults["C:/x.job"]
    assert "no type" in faults["readme.txt"]
    assert "no type" in faults["connections/c.conn"]
    assert "2 times" in faults["jobs/twice.job"]
    assert "differ" in faults["jobs/b/good.job"]
    assert "expand" in faults["jobs/huge.job"]
    assert look(file, CONNECTIONS)[0] == [("connection", "c")]


def test_a_damaged_entry_is_found_out(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.job", '{"name": "a"}')
        archive.writestr("b.job", '{"name": "b"}')
    data = file.read_bytes()
    file.write_bytes(data.replace(b'{"name": "a"}', b'{"name": "x"}'))
    good, faults = look(file)
    assert (good, list(faults)) == ([("job", "b")], ["a.job"])
    encrypted = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(signature) + offset] |= 1
    file.write_bytes(encrypted)
    assert "encrypted" in look(file)[1]["a.job"]


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06", b"PK\x03\x04" + b"x" * 100])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(PackageInvalid):
        Package(tmp_path / "a.zip")


def test_bombs_are_refused_before_they_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = written(tmp_path / "many.zip", *[(f"{number}.job", "{}") for number in range(50)])
    monkeypatch.setattr(package, "MAX_ENTRIES", 49)
    with pytest.raises(PackageInvalid, match="50 entries"):
        Package(many)
    ratio = written(tmp_path / "ratio.zip", *[(f"{number}.job", b" " * 16_000_000) for number in range(5)])
    with pytest.raises(PackageInvalid, match="bomb"):
        Package(ratio)
    monkeypatch.setattr(package, "MAX_EXPANDED_BYTES", 1000)
    with pytest.raises(PackageInvalid, match="expand"):
        Package(ratio)
    monkeypatch.setattr(package, "MAX_ARCHIVE_BYTES", 100)
    with pytest.raises(PackageInvalid, match="bytes"):
        Package(ratio)


def test_a_directory_that_says_it_is_huge_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**31, 0, 0))
    with pytest.raises(PackageInvalid, match="entries"):
        Package(file)
    file.write_bytes(b"PK\x06\x07" + b"\0" * 16 + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0))
    with pytest.raises(PackageInvalid, match="ZIP64"):
        Package(file)


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    file = written(tmp_path / "a.zip", ("a.job", b" " * 100_000 + b"{}"))
    data = bytearray(file.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 10)
    file.write_bytes(data)
    assert list(look(file)[1]) == ["a.job"]


# ---------------------------------------------------------------- written by us


async def streamed(*entries: tuple[str, Mapping[str, Any]]) -> list[bytes]:
    async def every() -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
        for each in entries:
            yield each

    return [piece async for piece in zipped(every())]


def test_what_is_written_is_read_and_is_the_same_each_time(tmp_path: Path) -> None:
    entries = ((job_entry("作业", alone=False), {"name": "作业", "b": 1, "a": 2}), (script_entry("s"), {"name": "s"}))
    first = b"".join(asyncio.run(streamed(*entries)))
    assert first == b"".join(asyncio.run(streamed(*entries)))
    (tmp_path / "a.zip").write_bytes(first)
    with Package(tmp_path / "a.zip") as opened:
        found = opened.entries(JOBS)
        assert [each.path for each in found] == ["scripts/s.script", "jobs/作业/作业.job"]
        assert list(opened.read(found[1])) == ["name", "b", "a"]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None


def test_a_zip_is_written_piece_by_piece() -> None:
    entries = [(job_entry(f"j{number}", alone=True), {"name": f"j{number}"}) for number in range(1000)]
    pieces = asyncio.run(streamed(*entries))
    assert len(pieces) == 1001
    assert max(map(len, pieces[:-1])) < 1000
