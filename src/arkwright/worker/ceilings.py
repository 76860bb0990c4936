"""What programs may take on this worker: what their workspace may, as the last claim said, and never more than the
worker's own options allow. The same that `LocalExecutor` asks of the directory on the server's machine."""

from __future__ import annotations

from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits


class Ceilings:
    def __init__(self, own: ProgramLimits = NO_LIMITS) -> None:
        """`own`: of the worker."""
        self._own = own
        self._workspaces: dict[str, ProgramLimits] = {}

    def learn(self, workspace_id: str, limits: ProgramLimits) -> None:
        self._workspaces[workspace_id] = limits.within(self._own)

    def __call__(self, workspace_id: str) -> ProgramLimits:
        return self._workspaces.get(workspace_id, self._own)
