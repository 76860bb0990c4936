"""Secret keys at rest: useless without the key file, and bound to their access key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arkwright.errors import IllegalState, SettingInvalid
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


# ---------------------------------------------------------------- several keys


def sealed_before_keys_had_ids(path: Path, bound_to: str, secret: str) -> bytes:
    """As the first releases sealed: a version byte, a nonce, the text."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, nonce = bytes.fromhex(path.read_text().split()[0]), b"n" * 12
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, secret.encode(), bound_to.encode())


def test_what_was_sealed_before_keys_had_ids_opens_with_whichever_key_fits(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    first = sealer.sealing_key_id()
    old = sealed_before_keys_had_ids(tmp_path / "secret.key", "AK", "secret")
    new = sealer.add_key()
    sealer.prefer(new)
    assert sealer.unseal("AK", old) == b"secret"
    assert (sealer.key_of("AK", old), sealer.key_of("OTHER", old)) == (first, None)
    assert not sealer.is_current(old)
    again = sealer.resealed("AK", old)
    assert sealer.is_current(again)
    sealer.remove_key(first)
    assert Sealer(tmp_path / "secret.key").unseal("AK", again) == b"secret"
    with pytest.raises(SettingInvalid):
        Sealer(tmp_path / "secret.key").unseal("AK", old)


def test_a_new_key_seals_only_when_it_is_preferred_and_both_open(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    before = sealer.seal("AK", "one")
    new = sealer.add_key()
    assert sealer.is_current(before)
    sealer.prefer(new)
    after = sealer.seal("AK", "two")
    assert sealer.key_of("AK", after) == new
    fresh = Sealer(tmp_path / "secret.key")
    assert [fresh.unseal("AK", each) for each in (before, after)] == [b"one", b"two"]
    assert fresh.key_ids() == sealer.key_ids()
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_the_same_sealed_secret_is_resealed_to_the_same_bytes_by_everybody(tmp_path: Path) -> None:
    one, two = Sealer(tmp_path / "secret.key"), Sealer(tmp_path / "secret.key")
    sealed, other = one.seal("AK", "secret"), one.seal("AK", "secret")
    new = one.add_key()
    one.prefer(new)
    two.prefer(new)
    assert one.resealed("AK", sealed) == two.resealed("AK", sealed) != one.resealed("AK", other)
    assert one.resealed("AK", one.resealed("AK", sealed)) == one.resealed("AK", sealed)


def test_a_key_that_arrives_in_the_file_later_is_found_and_a_missing_one_is_named(tmp_path: Path) -> None:
    here, there = Sealer(tmp_path / "here.key"), tmp_path / "there.key"
    here.seal("AK", "secret")
    there.write_bytes((tmp_path / "here.key").read_bytes())
    other = Sealer(there)
    assert other.key_ids() == here.key_ids()
    new = here.add_key()
    here.prefer(new)
    sealed = here.seal("AK", "secret")
    with pytest.raises(SettingInvalid) as missing:
        other.unseal("AK", sealed)
    assert new in str(missing.value)
    other.prefer(new)
    with pytest.raises(SettingInvalid):
        other.seal("AK", "never with another key")
    there.write_bytes((tmp_path / "here.key").read_bytes())
    assert other.unseal("AK", sealed) == b"secret"


def test_the_key_that_seals_can_not_be_removed_and_a_removed_one_can_come_back(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "secret.key")
    old = sealer.sealing_key_id()
    with pytest.raises(IllegalState):
        sealer.remove_key(old)
    new = sealer.add_key()
    sealer.prefer(new)
    sealer.remove_key(old)
    assert Sealer(tmp_path / "secret.key").key_ids() == [new]
    sealer.restore_key(old)
    assert Sealer(tmp_path / "secret.key").key_ids() == [old, new], "not behind the new one, as a fresh key would be"
