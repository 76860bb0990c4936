"""The part of the oracle that is about operators (factory-behaviour 2.1, 2.2): what they may do, and what that does."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]
Shape = list[Node]

ENDED = ("success", "fail", "skip", "manual-stop")

WHERE = {
    "continue": ("running-exception",),
    "force-success": ("running-exception", "fail", "manual-stop"),
    "pause": ("running",),
    "resume": ("pause",),
    "confirm": ("waiting-confirm",),
    "freeze": ("waiting",),
    "unfreeze": ("freeze",),
    "retry node": ("running-exception",),
    "force-success node": ("running-exception",),
    "skip node": ("running", "running-exception"),
    "pause node": ("running", "running-exception"),
    "resume node": ("running", "running-exception"),
}
"""In which states of the instance an operator may do what."""


class Operators:
    shape: Shape
    nodes: list[Node]
    state: str
    ending: str | None
    forced: bool
    refused: bool
    operations: set[str]

    def _requested(self) -> bool:
        raise NotImplementedError

    def _stop_everything(self) -> None:
        raise NotImplementedError

    def _start_all_rows(self) -> None:
        raise NotImplementedError

    def _operate(self, operation: str, how: str, target: int) -> bool:
        if operation in self.operations:
            return False
        on_node = how.endswith(" node")
        known = not on_node or target < len(self.nodes)
        if self.state not in WHERE[how] or self.ending is not None or not known:
            self.refused = True
            return False
        if on_node and not self._may(how, target):
            self.refused = True
            return False
        self.operations.add(operation)
        if on_node:
            self._operate_node(how, self.nodes[target])
        elif how == "continue":
            for run in self._suspending():
                run["forgiven"] = True
        elif how == "force-success":
            for run in self.nodes:
                if run["state"] == "fail":
                    run["state"], run["forced"] = "success", True
            if self.state in ENDED:
                self.state, self.forced = "success", True
            else:
                self.ending = "success"
                self._stop_everything()
        elif how == "pause":
            self.state = "pause"
        elif how == "resume":
            self.state = "running-exception" if self._suspending() else "running"
            self._start_all_rows()
        elif how == "freeze":
            self.state = "freeze"
        else:
            self._requested()
        if self.state == "running-exception" and not self._suspending() and self.ending is None:
            self.state = "running"
        return True

    def _may(self, how: str, target: int) -> bool:
        run = self.nodes[target]
        if how in ("retry node", "force-success node"):
            return any(run is each for each in self._suspending())
        if how == "skip node":
            return run["state"] in ("waiting", "pause") and len(self.nodes) > 1
        return bool(run["state"] == {"pause node": "waiting", "resume node": "pause"}[how])

    def _operate_node(self, how: str, run: Node) -> None:
        if how == "retry node":
            run["state"], run["used"] = "waiting", 0
        elif how == "force-success node":
            run["state"], run["forced"] = "success", True
        elif how == "skip node":
            run["state"], run["forced"], run["asking"], run["hopeless"] = "skip", True, False, False
        elif how == "pause node":
            run["state"], run["asking"], run["clock"], run["hopeless"] = "pause", False, None, False
        else:
            run["state"] = "waiting"

    def _suspending(self) -> list[Node]:
        pairs = zip(self.nodes, self.shape, strict=True)
        return [n for n, rules in pairs if n["state"] == "fail" and rules["policy"] == "SUSPEND" and not n["forgiven"]]

    def _runs_again(self, node: int, again: list[int]) -> bool:
        """From the error node: what did not succeed and what comes after it. Lines go from lower numbers to higher."""
        run = self.nodes[node]
        not_taken = run["state"] == "skip" and not run["because_of_failure"]
        fine = run["state"] == "success" or not_taken
        return not fine or any(before in again for before, _ in self.shape[node]["lines"])
