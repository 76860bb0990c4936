"""What people and programs get to see.

People: tables and colours where there is a terminal. Programs (`--json`): one JSON value on stdout and nothing
else; messages go to stderr in either case.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from arkwright.errors import ArkwrightError

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.text import Text

PIPED_WIDTH = 10_000
STYLES = {
    "success": "green",
    "fail": "bold red",
    "running": "cyan",
    "running-exception": "bold yellow",
    "manual-stop": "yellow",
    "pause": "yellow",
    "freeze": "blue",
    "skip": "dim",
    "skip-by-depend": "dim",
    "waiting": "dim",
    "waiting-confirm": "dim",
}
MARKS = {
    "success": "✓",
    "fail": "✗",
    "running": "▶",
    "running-exception": "!",
    "manual-stop": "■",
    "pause": "‖",
    "skip": "↷",
    "skip-by-depend": "↷",
}


class Output:
    """Where a command's results and messages go."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.people: Console = _console(stderr=as_json)
        """For people: stdout, unless stdout belongs to a program."""
        if not self.people.is_terminal and "COLUMNS" not in os.environ:
            self.people.width = PIPED_WIDTH  # in a pipe a row is one line: `grep` reads it
        self.messages: Console = _console(stderr=True)

    def json(self, value: Any) -> None:
        """The result, for programs."""
        as_it_is = sys.stdout.encoding.lower().startswith("utf")
        sys.stdout.write(json.dumps(value, ensure_ascii=not as_it_is, indent=2) + "\n")
        sys.stdout.flush()

    def done(self, sentence: str, value: dict[str, Any]) -> None:
        """The result of a command that changed something."""
        if self.as_json:
            self.json(value)
        else:
            # An address or a token that is broken into two lines can't be copied.
            self.people.print(sentence, markup=False, soft_wrap=True)

    def note(self, sentence: str) -> None:
        self.messages.print(sentence, style="dim", markup=False, soft_wrap=True)

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[str | Text]],
        *,
        right: Iterable[int] = (),
        whole: int | None = None,
        none: str = "",
    ) -> None:
        """`whole`: a column of what is to be copied, which is never broken. `none`: what to say where there are no
        rows."""
        from rich.table import Table

        rows = list(rows)
        if none and not rows:
            self.note(none)
            return
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        to_right = set(right)
        for position, title in enumerate(titles):
            justify: JustifyMethod = "right" if position in to_right else "left"
            table.add_column(title, justify=justify, overflow="fold", no_wrap=position == whole)
        for row in rows:
            # Names are the users' own words; "[…]" in them is no markup.
            table.add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in row))
        self.people.print(table)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process on the spot, in the middle of whatever else runs

    return Terminal(stderr=stderr, highlight=False)


def plain(text: str) -> Text:
    from rich.text import Text

    return Text(text)


def state(status: str) -> Text:
    """A state with its mark and colour."""
    from rich.text import Text

    return Text(f"{MARKS.get(status, '·')} {status}", style=STYLES.get(status, ""))


def show_error(error: ArkwrightError) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    code = getattr(error, "error_code", "")
    console.print(Text.assemble(("Error ", "bold red"), (f"{code} " if code else ""), error.message), soft_wrap=True)
    if error.hint:
        console.print(Text(error.hint), soft_wrap=True)
    request_id = getattr(error, "request_id", "")
    if request_id:
        console.print(Text(f"Request {request_id}", style="dim"), soft_wrap=True)


def ago(at_ms: int | None, *, now_ms: int | None = None) -> str:
    """A past time as people say it: `3 min ago`; older ones with their date."""
    if not at_ms:
        return ""
    seconds = ((now_ms or int(time.time() * 1000)) - at_ms) / 1000
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h ago"
    return clock(at_ms)


def clock(at_ms: int | None) -> str:
    """A time in this machine's zone."""
    return dt.datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at_ms else ""


def took(start_ms: int | None, end_ms: int | None, *, now_ms: int | None = None) -> str:
    """A duration: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. Without an end: until now."""
    if not start_ms:
        return ""
    seconds = max(0.0, ((end_ms or now_ms or int(time.time() * 1000)) - start_ms) / 1000)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
