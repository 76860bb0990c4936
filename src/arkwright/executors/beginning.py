"""Until when an attempt may begin: whoever runs it holds it by a lease, and another one has it once that is over.

Theory of operation: a process that was frozen past its lease goes on where it stood. What only waited then must not
begin: another server may have given it up, and begun it anew. So the end of the lease is looked at when an attempt's
turn comes, and once more by who claims the attempt's folder, right before it does: a shell, or a resident host, is a
process of its own, and may have been frozen on its way.

The moment is one of this machine's clock since boot, which nobody sets and which goes on while the machine sleeps. A
shell reads it from /proc/uptime; where that is another clock (some containers show their own), the difference of the
two is taken into account, and where there is none, the shell's look is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from arkwright.nodes.base import AttemptKey

TOO_LATE = 124
"""Exit code of a wrapper that came too late; nothing has happened then."""
LATE_SECONDS = 0.1
"""Until it is looked whether what came too late may begin after all."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_UPTIME = Path("/proc/uptime")


def since_boot() -> float:
    """Seconds since the boot of this machine."""
    return time.clock_gettime(_CLOCK)


class Beginning:
    def __init__(self) -> None:
        self.until: Callable[[AttemptKey], float | None] = lambda key: None
        """By `since_boot`; None: there is no end."""

    def open(self, key: AttemptKey) -> bool:
        """Whether the attempt may begin now."""
        until = self.until(key)
        return until is None or since_boot() < until

    def shell_text(self, key: AttemptKey) -> str:
        """Leaves with `TOO_LATE` if the attempt may begin no more; empty if there is no end."""
        until = self.until(key)
        if until is None:
            return ""
        try:
            shown = float(_UPTIME.read_text("ascii").split()[0])
        except (OSError, ValueError, IndexError):
            return ""
        last = int((shown + until - since_boot()) * 100)  # it is shown in hundredths, always two digits of them
        return f'read -r s </proc/uptime; s=${{s%% *}}; [ "${{s%.*}}${{s#*.}}" -lt {last} ] || exit {TOO_LATE}; '
