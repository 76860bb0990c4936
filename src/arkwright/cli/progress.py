"""How a running instance looks: live on a terminal, line by line elsewhere, or not at all.

One view is fed by `follow`: `show` after each change, `log` with each piece of a log, `end` with the last state.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from arkwright.cli.output import MARKS, STYLES, Output, state, took
from arkwright.client.instances import NODE_ENDED

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from arkwright.client import InstanceRecord, NodeRecord

MOST_ROWS = 12
"""Nodes shown live; of a large job, those that run and those that failed matter."""


PARTS = 10
"""So often is said how far a node is that runs another job many times."""


def runs_of(node: NodeRecord) -> str:
    """`12 of 50 load_day, 2 failed`; empty for a node that runs no other job."""
    if "childTotal" not in node:
        return ""
    failed = f", {node['childFailed']} failed" if node.get("childFailed") else ""
    return f"{_over(node)} of {node['childTotal']} {node.get('childJobName', '')}{failed}"


def _over(node: NodeRecord) -> int:
    return node.get("childSucceeded", 0) + node.get("childFailed", 0)


class View(Protocol):
    def show(self, record: InstanceRecord) -> None: ...

    def log(self, node: str, text: str) -> None: ...

    def note(self, sentence: str) -> None: ...

    def end(self, record: InstanceRecord) -> None: ...

    def close(self) -> None:
        """Give the terminal back; may be called twice."""
        ...


def make_view(output: Output, *, quiet: bool) -> View:
    if quiet:
        return QuietView(output)
    return LiveView(output) if output.people.is_terminal else LineView(output)


class QuietView:
    """Says how it ended, and nothing before."""

    def __init__(self, output: Output) -> None:
        self.output = output

    def show(self, record: InstanceRecord) -> None:
        """Nothing."""

    def log(self, node: str, text: str) -> None:
        """Nothing."""

    def note(self, sentence: str) -> None:
        self.output.note(sentence)

    def end(self, record: InstanceRecord) -> None:
        from rich.text import Text

        count = len(record.get("nodes", []))
        spent = f"  {count} node{'s' if count != 1 else ''} in {took(record.get('startTime'), record.get('endTime'))}"
        self.output.people.print(
            Text.assemble(
                state(record.get("status", "")),
                f"  {record.get('jobName', '')} {record.get('instanceId', '')}",
                (spent, "dim"),
            )
        )
        whole = record.get("errorMessage") or ""
        if whole:
            self.output.people.print(Text(whole, "red"), soft_wrap=True)
        for node in record.get("nodes", []):
            message = node.get("errorMessage") or "failed"
            if node.get("status") == "fail" and (message not in whole or node["nodeName"] not in whole):
                self.output.people.print(Text.assemble((f"{node['nodeName']}: ", "red"), message), soft_wrap=True)

    def close(self) -> None:
        """Nothing to give back."""


class LineView(QuietView):
    """A line per change and per line of a log, for pipes and CI."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._states: dict[str, str] = {}
        self._shown_parts: dict[str, int] = {}
        """Per node that runs other jobs, how many of `PARTS` parts of them were over when that was last said."""
        self._partial: dict[str, str] = {}

    def show(self, record: InstanceRecord) -> None:
        from rich.text import Text

        for node in record.get("nodes", []):
            name, status = node["nodeName"], node.get("status", "")
            if self._states.get(name, "waiting") != status:
                self._states[name] = status
                line = Text.assemble((f"{MARKS.get(status, '·')} {name} {status}", STYLES.get(status, "")))
                if node.get("endTime"):
                    line.append(f" {took(node.get('startTime'), node['endTime'])}", "dim")
                if status in NODE_ENDED and node.get("childTotal", 1) > 1:
                    line.append(f" {runs_of(node)}", "dim")
                self._print(line)
            elif status == "running" and node.get("childTotal", 1) > 1:
                self._show_part(node)

    def _show_part(self, node: NodeRecord) -> None:
        """A line per tenth, however many rows there are."""
        from rich.text import Text

        name = node["nodeName"]
        part = _over(node) * PARTS // max(1, node["childTotal"])
        if part > self._shown_parts.get(name, 0):
            self._print(Text.assemble((f"{name} │ {runs_of(node)}", "dim")))
        self._shown_parts[name] = part

    def log(self, node: str, text: str) -> None:
        """Text arrives in pieces; a line is shown once it is whole, so that lines of two nodes never mix."""
        from rich.text import Text

        *lines, rest = (self._partial.get(node, "") + text).split("\n")
        self._partial[node] = rest
        if lines:
            # In one go: on a terminal each print draws the nodes below anew.
            self._print(Text("\n").join(Text.assemble((f"{node} │ ", "dim"), line.rstrip("\r")) for line in lines))

    def end(self, record: InstanceRecord) -> None:
        self._show_rest()
        super().end(record)

    def _show_rest(self) -> None:
        """The last lines of logs that end without a line break."""
        for node, rest in list(self._partial.items()):
            if rest:
                self.log(node, "\n")

    def _print(self, line: RenderableType) -> None:
        self.output.people.print(line, soft_wrap=True)


class LiveView(LineView):
    """Logs scroll; below them the nodes with their states, and how far it is."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._record: InstanceRecord = {}
        self._live: Live | None = None

    def show(self, record: InstanceRecord) -> None:
        self._record = record
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._picture, console=self.output.people, refresh_per_second=8, transient=True
            )
            self._live.start()

    def end(self, record: InstanceRecord) -> None:
        self.close()
        self._show_rest()
        self.output.people.print(self._table(record.get("nodes", [])))
        super().end(record)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        nodes = self._record.get("nodes", [])
        ended = sum(node.get("status") in NODE_ENDED for node in nodes)
        head = Table.grid(padding=(0, 1))
        head.add_row(
            state(self._record.get("status", "")),
            Text(f"{self._record.get('jobName', '')} {self._record.get('instanceId', '')}", "bold"),
            ProgressBar(total=max(1, len(nodes)), completed=ended, width=24),
            Text(f"{ended}/{len(nodes)}  {took(self._record.get('startTime'), self._record.get('endTime'))}", "dim"),
        )
        shown = nodes
        if len(nodes) > MOST_ROWS:
            rank = {"running": 0, "running-exception": 0, "fail": 1, "waiting": 2}
            shown = sorted(nodes, key=lambda node: rank.get(node.get("status", ""), 3))[:MOST_ROWS]
        return Group(head, self._table(shown))

    def _table(self, nodes: list[NodeRecord]) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        now_ms = int(time.time() * 1000)
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for node in nodes:
            retries = f"retry {node['retryTimes']}" if node.get("retryTimes") else ""
            table.add_row(
                state(node.get("status", "")),
                Text(node.get("nodeName", "")),
                Text(node.get("type", ""), "dim"),
                Text(took(node.get("startTime"), node.get("endTime"), now_ms=now_ms), "dim"),
                Text(retries, "yellow"),
                Text(runs_of(node), "red" if node.get("childFailed") else "dim"),
            )
        return table
