"""How much a program on this host may take. Everybody who has a say (installation, workspace, node) can only make it
less."""

from __future__ import annotations

from dataclasses import dataclass, fields

from arkwright.nodes.base import Context, Property

MEMORY = "memoryMb"
SECONDS = "programSeconds"

LIMIT_PROPERTIES = (
    Property(name=MEMORY, help="Most memory that its program may take, in MB; at most what the workspace allows."),
    Property(name=SECONDS, help="Seconds after which its program is stopped, also while the server is down."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLimits:
    """0: no limit."""

    memory_bytes: int = 0
    """Of each process its data, and of all of them together what is in memory."""
    processes: int = 0
    """At the same time."""
    open_files: int = 0
    """Of each process."""
    seconds: int = 0

    def within(self, other: ProgramLimits) -> ProgramLimits:
        """The smaller of the two, each by itself."""
        if other == NO_LIMITS:
            return self
        chosen = {}
        for field in fields(ProgramLimits):
            both = [value for value in (getattr(self, field.name), getattr(other, field.name)) if value]
            chosen[field.name] = min(both, default=0)
        return ProgramLimits(**chosen)


NO_LIMITS = ProgramLimits()


def node_limits(context: Context) -> ProgramLimits:
    """What the node's own settings say. Raises `ValueError` naming the setting."""
    return ProgramLimits(
        memory_bytes=_whole(context, MEMORY, 1_000_000) * 1_000_000, seconds=_whole(context, SECONDS, 10**9)
    )


def _whole(context: Context, name: str, most: int) -> int:
    text = context.properties.get(name, "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) <= most:
        raise ValueError(f"{name} is {text[:50]!r}; it takes a whole number from 1 to {most:,}.")
    return int(text)
