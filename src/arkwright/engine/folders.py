"""Where attempts and workspaces keep their files, below the data folder.

runs/<instance // 1000>/<instance>-<node>-<attempt>/     log, output, claim and exit code of one attempt
workspaces/<workspace>/                                  warehouse and files of one workspace
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arkwright.nodes.base import AttemptKey


@dataclass(frozen=True, slots=True)
class Folders:
    data: Path

    @property
    def runs(self) -> Path:
        return self.data / "runs"

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
        return f"{key.instance_id // 1000}/{key.instance_id}-{key.node}-{key.attempt}"

    def log(self, instance_id: int, node: int, attempt: int) -> Path:
        return self.attempt(AttemptKey(instance_id=instance_id, node=node, attempt=attempt)) / "log"

    def workspace(self, workspace_id: str) -> Path:
        return self.data / "workspaces" / workspace_id

    def output(self, reference: str) -> Path:
        """The file behind an output reference (`Outcome.output` as the engine stores it)."""
        return self.runs / reference
