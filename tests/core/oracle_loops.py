"""The part of the oracle that is about nodes that run other jobs (factory-behaviour 3.3): rows, one after the other.

{"work": "loop", "rows": 3, "at_once": 2, …}
"""

from __future__ import annotations

from tests.core.oracle_operators import Operators


def no_rows() -> dict[str, object]:
    return {"good": set(), "bad": set(), "under_way": set(), "left": [], "what": None}


class Loops(Operators):
    done: list[tuple[str, int, int]]

    def _failed(self, node: int, *, again: bool) -> None:
        raise NotImplementedError

    def _is_loop(self, node: int) -> bool:
        return bool(self.shape[node]["work"] == "loop")

    def _open(self, node: int) -> bool:
        run, rules = self.nodes[node], self.shape[node]
        what = (rules["rows"], run["clock"] if rules["text"] == "clock" else None)
        if run["what"] != what:
            run["good"] = set()
        run["what"] = what
        run["bad"], run["under_way"] = set(), set()
        run["left"] = [row for row in range(rules["rows"]) if row not in run["good"]]
        run["state"] = "running"
        run["clock"] = None
        run["attempts"] += 1
        self._start_rows(node)
        if not run["under_way"]:
            run["state"] = "success"
        return True

    def _start_rows(self, node: int) -> None:
        run = self.nodes[node]
        if run["state"] != "running" or run["pausing"] or run["told_to_stop"] or not self._is_loop(node):
            return
        if self.ending is not None or self.state == "pause":
            return
        while run["left"] and len(run["under_way"]) < self.shape[node]["at_once"]:
            row = run["left"].pop(0)
            run["under_way"].add(row)
            self.done.append((f"child {row}", node, run["attempts"]))

    def _start_all_rows(self) -> None:
        for node in range(len(self.nodes)):
            self._start_rows(node)

    def _child(self, node: int, attempt: int, row: int, how: str) -> bool:
        run = self.nodes[node]
        if not self._is_loop(node) or run["state"] != "running" or run["pausing"] or run["attempts"] != attempt:
            return False
        if row not in run["under_way"] and not (row in run["bad"] and how == "success"):
            return False
        run["under_way"].discard(row)
        run["bad"].discard(row)
        run["good" if how == "success" else "bad"].add(row)
        self._start_rows(node)
        self._end_loop(node)
        return True

    def _end_loop(self, node: int) -> None:
        """If none of its children runs any more, and none will."""
        run = self.nodes[node]
        late, told = run["late"], run["told_to_stop"]
        if run["under_way"] or (run["left"] and not told):
            return
        run["late"] = run["told_to_stop"] = False
        if not run["left"] and not run["bad"]:
            run["state"] = "success"
        elif late:
            self._failed(node, again=self.shape[node]["on_timeout"])
        elif told:
            run["state"] = "manual-stop"
        else:
            self._failed(node, again=self.shape[node]["codes"] is None)
