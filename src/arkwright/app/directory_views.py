"""What the engine is to know of the directory, always as it is now."""

from __future__ import annotations

from arkwright.core.rules import Rules
from arkwright.iam.directory import Directory
from arkwright.nodes.program_limits import ProgramLimits
from arkwright.settings import Settings


class WorkspaceRules:
    """A workspace's rules for its instances, as the directory says now."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __call__(self, workspace_id: str) -> Rules:
        workspace = self._directory.workspace_by_id(workspace_id)
        return Rules() if workspace is None else workspace.rules


class LocalPrograms:
    """Whether a workspace may run programs on this host, as the directory says now."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __call__(self, workspace_id: str) -> bool:
        workspace = self._directory.workspace_by_id(workspace_id)
        return workspace is not None and workspace.local_programs_allowed


class WorkspaceLimits:
    """What programs of a workspace may take on this host: what the installation says, and no more than the workspace's
    settings say now."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._directory = directory
        self._all = ProgramLimits(
            memory_bytes=settings.program_memory_bytes,
            processes=settings.program_processes,
            open_files=settings.program_open_files,
            seconds=settings.program_seconds,
        )

    def __call__(self, workspace_id: str) -> ProgramLimits:
        workspace = self._directory.workspace_by_id(workspace_id)
        given = None if workspace is None else workspace.settings.get("programs")
        if not given:
            return self._all
        own = ProgramLimits(
            memory_bytes=int(given.get("memoryMb") or 0) * 1_000_000,
            processes=int(given.get("processes") or 0),
            open_files=int(given.get("openFiles") or 0),
            seconds=int(given.get("seconds") or 0),
        )
        return self._all.within(own)
