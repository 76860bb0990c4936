"""Where attempts and workspaces keep their files, below the data folder.

runs/<instance // 1000>/<instance>/<node>-<attempt>/     log, output, claim and exit code of one attempt
workspaces/<workspace>/                                  warehouse and files of one workspace
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from arkwright.nodes.base import AttemptKey


@dataclass(frozen=True, slots=True)
class Folders:
    data: Path
    runs: Path = field(init=False)
    workspaces: Path = field(init=False)

    def __post_init__(self) -> None:
        for name in ("runs", "workspaces"):  # asked for with each attempt
            object.__setattr__(self, name, self.data / name)

    @property
    def hosts(self) -> Path:
        return self.data / "hosts"

    def restored(self) -> bool:
        """Whether they are those of a backup that nobody has gone on from yet (`cli/archive` says so)."""
        try:
            return (self.runs / "boot").read_text("utf-8") == "restored\n"
        except OSError:
            return False

    def attempt(self, key: AttemptKey) -> Path:
        return self.runs / self.relative(key)

    @staticmethod
    def relative(key: AttemptKey) -> str:
        return f"{key.instance_id // 1000}/{key.instance_id}/{key.node}-{key.attempt}"

    def log(self, instance_id: int, node: int, attempt: int) -> Path:
        return self.attempt(AttemptKey(instance_id=instance_id, node=node, attempt=attempt)) / "log"

    def workspace(self, workspace_id: str) -> Path:
        return self.workspaces / workspace_id

    @staticmethod
    def reference(key: AttemptKey, name: str) -> str:
        """What an outcome keeps of an output: where it is, below `runs`."""
        return f"{Folders.relative(key)}/{name}"

    @staticmethod
    def referenced(reference: str) -> tuple[AttemptKey, str]:
        """Whose it is, and its name. ValueError: it is no reference."""
        _, instance_id, attempt, name = reference.split("/")
        node, number = attempt.split("-")
        return AttemptKey(instance_id=int(instance_id), node=int(node), attempt=int(number)), name
