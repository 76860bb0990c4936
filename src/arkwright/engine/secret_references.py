"""Secrets that are kept elsewhere: a connection's secret may say where it is found instead of what it is.

    env:NAME    the server's environment variable PREFIX + NAME
    file:PATH   the file PATH in the folder of the connection's workspace, below the folder of secrets

Rules: both are off unless the operator allows them (a prefix, a folder); a text is then no reference but the secret
itself. Only secrets are looked up, never other settings. An environment variable serves every workspace, so the prefix
says which ones are meant for that; a file is its workspace's alone, and no path and no link leads out of the folder.
What is found is read anew for each attempt, and kept nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from arkwright.errors import SettingInvalid

LARGEST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    prefix: str = ""
    """Of the environment variables; empty: none may be referred to."""
    folder: Path | None = None
    """Holds a folder per workspace, by its id."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def resolved(self, workspace_id: str, text: str) -> str:
        """The secret that the text is, or refers to. Raises `SettingInvalid`."""
        kind, colon, rest = text.partition(":")
        if kind == "env" and colon and self.prefix:
            return self._variable(rest)
        if kind == "file" and colon and self.folder is not None:
            return self._file(self.folder / workspace_id, rest)
        return text

    def _variable(self, name: str) -> str:
        found = self.environment.get(self.prefix + name)
        if not found:
            raise SettingInvalid(f"The server's environment has no {self.prefix}{name}, to which a secret refers.")
        return found

    def _file(self, folder: Path, name: str) -> str:
        shown = f"A secret refers to the file {name!r}"
        try:
            path = (folder / name).resolve(strict=True)
            if not path.is_relative_to(folder.resolve(strict=True)) or not path.is_file():
                raise SettingInvalid(f"{shown}, which is none of the workspace's.")
            with path.open("rb") as file:
                data = file.read(LARGEST_BYTES + 1)
            text = data.decode()
        except (OSError, ValueError) as fault:
            reason = getattr(fault, "strerror", None) or "it is no text"
            raise SettingInvalid(f"{shown}, which can't be read: {reason}.") from None
        if len(data) > LARGEST_BYTES:
            raise SettingInvalid(f"{shown}, which is longer than {LARGEST_BYTES // 1024} KB.")
        # Editors end a file with a line break; a key of several lines keeps those inside.
        return text.removesuffix("\n").removesuffix("\r")
