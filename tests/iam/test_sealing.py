"""Secret keys at rest: useless without the key file, and bound to their access key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arkwright.errors import SettingInvalid
from arkwright.iam.sealing import Sealer


def test_what_is_sealed_can_be_unsealed_after_a_restart(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "secret.key").seal("AK", "sécret")
    assert b"cret" not in sealed
    sealer = Sealer(tmp_path / "secret.key")
    assert sealer.unseal("AK", sealed) == "sécret".encode()
    assert sealer.unseal("AK", sealed) == "sécret".encode()
    sealer.forget()
    assert sealer.unseal("AK", sealed) == "sécret".encode()


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    Sealer(path).seal("AK", "secret")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    Sealer(path).seal("AK", "secret")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]


def test_a_sealed_secret_does_not_work_for_another_access_key(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    sealed = sealer.seal("AK", "secret")
    with pytest.raises(SettingInvalid) as caught:
        sealer.unseal("OTHER", sealed)
    assert "OTHER" in str(caught.value)


@pytest.mark.parametrize("position", [0, 1, 13, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, position: int) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    sealed = bytearray(sealer.seal("AK", "secret"))
    sealed[position] ^= 1
    with pytest.raises(SettingInvalid):
        sealer.unseal("AK", bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01short"])
def test_what_was_never_sealed_is_refused(tmp_path: Path, sealed: bytes) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    sealer.seal("AK", "secret")
    with pytest.raises(SettingInvalid):
        sealer.unseal("AK", sealed)


def test_another_key_file_is_named_in_the_error(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "secret.key").seal("AK", "secret")
    other = Sealer(tmp_path / "other.key")
    other.seal("AK", "secret")
    with pytest.raises(SettingInvalid) as caught:
        other.unseal("AK", sealed)
    assert "other.key" in str(caught.value)


def test_a_lost_key_file_is_reported_and_not_replaced(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "secret.key").seal("AK", "secret")
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SettingInvalid):
        Sealer(tmp_path / "secret.key").unseal("AK", sealed)
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31])
def test_a_broken_key_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret.key").write_text(content)
    with pytest.raises(SettingInvalid):
        Sealer(tmp_path / "secret.key").seal("AK", "secret")


def test_sealers_that_start_together_use_one_key(tmp_path: Path) -> None:
    sealers = [Sealer(tmp_path / "secret.key") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        sealed = list(threads.map(lambda sealer: sealer.seal("AK", "secret"), sealers))
    assert {Sealer(tmp_path / "secret.key").unseal("AK", one) for one in sealed} == {b"secret"}
