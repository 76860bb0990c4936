"""Secret keys encrypted at rest, with keys that are not in the database.

A copy of the database alone gives nobody a usable secret. The key file holds keys of 32 random bytes, one line of hex
each, is readable by its owner only and is made once; whoever loses it must set all secrets anew. Servers that share
one database must share the key file's keys.

One key seals: the one that the database names (`prefer`), else the first of the file. All of them open. A key is known
by its id, five bytes of its own hash, so that the file needs no names and a copied line is the same key everywhere.

Sealed form: a version byte; from version 2 on the key's id; 12 bytes nonce; AES-256-GCM over the secret. What the
secret is bound to (an access key, a workspace and name) is authenticated with it, so that a sealed secret can't be
moved to another place. Version 1 had no id: it is tried with every key.

Resealing gives the same bytes whenever the same sealed secret is resealed with the same key: a value that stands in a
state and in the history it came from stays one value.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from arkwright.errors import IllegalState, NotFound, SettingInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_OLD_VERSION, _VERSION = b"\x01", b"\x02"
_ID = 5
_NONCE = 12
_KEY = 32


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    """The id's bytes as eight letters and digits."""
    raw_id: bytes
    secret: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)


class Sealer:
    """Seals and unseals with the keys in `key_file`, which the first `seal` makes. `unseal` never does: what is sealed
    already needs the key that sealed it. A file that has changed is noticed before anything is sealed, and when a key
    is missing. May be used in any thread."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._unsealed: dict[tuple[str, bytes], bytes] = {}
        self._keys: dict[str, _Key] = {}
        """Of the file as it was last read, in its order."""
        self._gone: dict[str, _Key] = {}
        """Keys that the file had before: they still open what is in memory somewhere."""
        self._read_as: tuple[int, ...] | None = None
        self._preferred: str | None = None

    # -- sealing
    def seal(self, bound_to: str, secret: str) -> bytes:
        if not self._key_file.exists():
            _create(self._key_file)
        key, nonce = self._sealing_key(), secrets.token_bytes(_NONCE)
        return _seal(key, nonce, bound_to, secret.encode())

    def unseal(self, bound_to: str, sealed: bytes) -> bytes:
        """The secret, from memory after the first time. Raises `SettingInvalid` with a wrong key file."""
        known = self._unsealed.get((bound_to, sealed))
        if known is None:
            known = self._unsealed[bound_to, sealed] = self.unsealed(bound_to, sealed)
        return known

    def unsealed(self, bound_to: str, sealed: bytes) -> bytes:
        """As `unseal`, for what is rarely asked for: nothing of it stays in memory."""
        return self._open(bound_to, sealed)[1]

    def forget(self) -> None:
        """Drop unsealed keys from memory."""
        self._unsealed.clear()

    # -- keys
    def prefer(self, key_id: str | None) -> None:
        """Seal with this key from now on; None: with the first of the file."""
        self._preferred = key_id

    def key_ids(self) -> list[str]:
        """Of the keys in the file, in its order; none: there is no file yet."""
        if not self._key_file.exists():
            return []
        self._refresh()
        return list(self._keys)

    def sealing_key_id(self) -> str:
        """Of the key that seals now. Makes the key file if there is none."""
        if not self._key_file.exists():
            _create(self._key_file)
        return self._sealing_key().id

    def add_key(self) -> str:
        """A new key at the end of the file, on disk when this returns; its id. It seals nothing until it is
        preferred."""
        known = self.key_ids()
        fresh = secrets.token_bytes(_KEY)
        while _key(fresh).id in known:
            fresh = secrets.token_bytes(_KEY)
        self._write([*(key.secret for key in self._keys.values()), fresh])
        return _key(fresh).id

    def remove_key(self, key_id: str) -> None:
        """Take a key out of the file. Raises `NotFound`, and `IllegalState` for the one that seals. It opens on in this
        process's memory, and comes back by `restore_key`."""
        if key_id not in self.key_ids():
            raise NotFound(f"There is no key {key_id} in {self._key_file}.", field="key")
        if self._sealing_key().id == key_id:
            raise IllegalState(f"The key {key_id} is the one that seals.", field="key")
        self._gone[key_id] = self._keys[key_id]
        self._write([key.secret for key in self._keys.values() if key.id != key_id])

    def restore_key(self, key_id: str) -> None:
        """Undo `remove_key`; as an old key it stands before the others."""
        if key_id not in self.key_ids() and key_id in self._gone:
            self._write([self._gone[key_id].secret, *(key.secret for key in self._keys.values())])

    # -- what is sealed
    def key_of(self, bound_to: str, sealed: bytes) -> str | None:
        """Id of the key that opens it; None: none of those known does."""
        try:
            return self._open(bound_to, sealed)[0].id
        except SettingInvalid:
            return None

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals now."""
        return sealed[:1] == _VERSION and sealed[1 : 1 + _ID] == self._sealing_key().raw_id

    def resealed(self, bound_to: str, sealed: bytes) -> bytes:
        """The same secret under the key that seals now. Raises `SettingInvalid` if no key opens it."""
        if self.is_current(sealed):
            return sealed
        key = self._sealing_key()
        _, secret = self._open(bound_to, sealed)
        # Derived: whatever is sealed alike stays alike. Two sealed secrets that differ never share a nonce.
        what = b"reseal\0" + bound_to.encode() + b"\0" + sealed
        return _seal(key, hmac.digest(key.secret, what, "sha256")[:_NONCE], bound_to, secret)

    # -- inside
    def _open(self, bound_to: str, sealed: bytes) -> tuple[_Key, bytes]:
        if sealed[:1] == _VERSION:
            return self._open_with_id(bound_to, sealed)
        if sealed[:1] == _OLD_VERSION:
            self._refresh()
            for key in (*self._keys.values(), *self._gone.values()):
                secret = _opened(key, sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound_to.encode())
                if secret is not None:
                    return key, secret
        raise self._cannot(bound_to)

    def _open_with_id(self, bound_to: str, sealed: bytes) -> tuple[_Key, bytes]:
        wanted = _shown(sealed[1 : 1 + _ID])
        key = self._keys.get(wanted) or self._gone.get(wanted)
        if key is None:
            self._refresh()
            key = self._keys.get(wanted)
        if key is None:
            raise SettingInvalid(
                f"The secret of {bound_to} was sealed with the key {wanted}, which is not in {self._key_file}.",
                hint="Add that key's line to the file (from another server's key file, or from a backup), or set the "
                "secret anew.",
            )
        header = sealed[: 1 + _ID]
        nonce, text = sealed[1 + _ID : 1 + _ID + _NONCE], sealed[1 + _ID + _NONCE :]
        secret = _opened(key, nonce, text, header + bound_to.encode())
        if secret is None:
            raise self._cannot(bound_to)
        return key, secret

    def _cannot(self, bound_to: str) -> SettingInvalid:
        return SettingInvalid(
            f"The secret of {bound_to} was not sealed with a key in {self._key_file}.",
            hint="Put the installation's own key file back, or set the secret anew.",
        )

    def _sealing_key(self) -> _Key:
        self._refresh()
        if self._preferred is None:
            return next(iter(self._keys.values()))
        key = self._keys.get(self._preferred)
        if key is None:
            raise SettingInvalid(
                f"This installation seals with the key {self._preferred}, which is not in {self._key_file}.",
                hint="Add that key's line to the file: another server of the installation has it.",
            )
        return key

    def _refresh(self) -> None:
        """Read the file if it is another one than was read."""
        try:
            stat = self._key_file.stat()
        except OSError as error:
            raise SettingInvalid(f"The key file {self._key_file} can't be used: {error}.") from error
        now = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if now != self._read_as:
            keys = {key.id: key for key in map(_key, _read(self._key_file))}
            self._gone |= {id_: key for id_, key in self._keys.items() if id_ not in keys}
            self._keys, self._read_as = keys, now

    def _write(self, keys: list[bytes]) -> None:
        """The whole file anew, or the old one stays."""
        try:
            _replace(self._key_file, keys)
        except OSError as error:
            raise SettingInvalid(f"The key file {self._key_file} can't be written: {error}.") from error
        self._refresh()


def _key(secret: bytes) -> _Key:
    # Imported here: a server that meets no signature starts without it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    raw = hashlib.sha256(b"arkwright sealing key\0" + secret).digest()[:_ID]
    return _Key(id=_shown(raw), raw_id=raw, secret=secret, cipher=AESGCM(secret))


def _shown(raw_id: bytes) -> str:
    return base64.b32encode(raw_id).decode().lower()


def _seal(key: _Key, nonce: bytes, bound_to: str, secret: bytes) -> bytes:
    header = _VERSION + key.raw_id
    return header + nonce + key.cipher.encrypt(nonce, secret, header + bound_to.encode())


def _opened(key: _Key, nonce: bytes, text: bytes, bound_to: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return key.cipher.decrypt(nonce, text, bound_to)
    except (InvalidTag, ValueError):
        return None


def _read(path: Path) -> list[bytes]:
    try:
        if path.stat().st_mode & 0o077:
            # A copy or a restore may have opened it up.
            path.chmod(0o600)
        keys = [bytes.fromhex(line.strip()) for line in path.read_text("ascii").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"The key file {path} can't be used: {error}.") from error
    if not keys or any(len(key) != _KEY for key in keys):
        raise SettingInvalid(f"The key file {path} does not hold 32 bytes in hex, a line for each key.")
    return keys


def _create(path: Path) -> None:
    """Make the file whole or not at all, and never replace one that another process made meanwhile."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_draft(draft, [secrets.token_bytes(_KEY)])
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other process's key is as good, and is the one in use
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise SettingInvalid(f"The key file {path} can't be made: {error}.") from error


def _replace(path: Path, keys: list[bytes]) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_draft(draft, keys)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _write_draft(draft: Path, keys: list[bytes]) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, b"".join(key.hex().encode() + b"\n" for key in keys))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
