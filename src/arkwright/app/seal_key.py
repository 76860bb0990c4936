"""Whether this server's key file is the installation's: servers that share a database must share the key."""

from __future__ import annotations

from pathlib import Path

from arkwright.errors import SettingInvalid
from arkwright.iam.sealing import Sealer
from arkwright.store.base import Store


async def check_key(store: Store, sealer: Sealer, path: Path) -> None:
    """Call before anything is sealed or opened. Raises `SettingInvalid`."""
    known = sealer.key_ids()
    wanted = await store.sealing_key() or await store.first_key(None)
    if wanted in known:
        return
    if wanted is None and not await _is_strange(store, sealer):
        return
    theirs = "another key" if wanted is None else f"the key {wanted}"
    raise SettingInvalid(
        f"The secrets in this database were sealed with {theirs}; "
        + (f"{path} holds {', '.join(known)}." if known else f"there is no key file {path}."),
        hint="Copy the file secret.key from the data folder of a server that uses this database, "
        "or name it with --seal-key-file (ARKWRIGHT_SEAL_KEY_FILE).",
    )


async def keep_key(store: Store, sealer: Sealer) -> None:
    """Call when the installation has its first secrets: from now on servers with other keys are refused."""
    if sealer.key_ids():
        await store.first_key(sealer.sealing_key_id())


async def _is_strange(store: Store, sealer: Sealer) -> bool:
    """Whether there are secrets already, and none that this key opens: made before the key was noted."""
    keys = (await store.read_identity()).access_keys
    return bool(keys) and all(sealer.key_of(each.access_key, each.sealed_secret) is None for each in keys)
