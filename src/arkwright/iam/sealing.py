"""Secret keys encrypted at rest, with a key that is not in the database.

A copy of the database alone gives nobody a usable secret key. The key file holds 32 random bytes in hex, is
readable by its owner only and is made once; whoever loses it must rotate all access keys. Servers that share one
database must share the key file.

Sealed form: one version byte, 12 bytes nonce, AES-256-GCM over the secret. The access key is authenticated with
it, so that a sealed secret can't be moved to another row.
"""

from __future__ import annotations

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from arkwright.errors import SettingInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12


class Sealer:
    """Seals and unseals with the key in `key_file`, which the first `seal` makes. `unseal` never does: what is sealed
    already needs the key that sealed it."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._unsealed: dict[tuple[str, bytes], bytes] = {}

    def seal(self, access_key: str, secret_key: str) -> bytes:
        if not self._key_file.exists():
            _create(self._key_file)
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret_key.encode(), access_key.encode())

    def unseal(self, access_key: str, sealed: bytes) -> bytes:
        """The secret key, from memory after the first time. Raises `SettingInvalid` with a wrong key file."""
        known = self._unsealed.get((access_key, sealed))
        if known is None:
            known = self._unsealed[access_key, sealed] = self.unsealed(access_key, sealed)
        return known

    def unsealed(self, access_key: str, sealed: bytes) -> bytes:
        """As `unseal`, for what is rarely asked for: nothing of it stays in memory."""
        from cryptography.exceptions import InvalidTag

        try:
            if sealed[:1] != _VERSION:
                raise ValueError("unknown form")
            nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
            return self._cipher.decrypt(nonce, text, access_key.encode())
        except (InvalidTag, ValueError):
            raise SettingInvalid(
                f"The secret key of access key {access_key} was not sealed with the key in {self._key_file}.",
                hint="Put the installation's own key file back, or rotate the access key.",
            ) from None

    def forget(self) -> None:
        """Drop unsealed keys from memory."""
        self._unsealed.clear()

    @cached_property
    def _cipher(self) -> AESGCM:
        # Imported here: a server that meets no signature starts without it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(_read(self._key_file))


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            # A copy or a restore may have opened it up.
            path.chmod(0o600)
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"The key file {path} can't be used: {error}.") from error
    if len(key) != 32:
        raise SettingInvalid(f"The key file {path} does not hold 32 bytes in hex.")
    return key


def _create(path: Path) -> None:
    """Make the file whole or not at all, and never replace one that another process made meanwhile."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_hex(32).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other process's key is as good, and is the one in use
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise SettingInvalid(f"The key file {path} can't be made: {error}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
