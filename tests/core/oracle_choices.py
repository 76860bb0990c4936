"""The part of the oracle that is about Assignment, Branch and Merge (decision 0013).

{"work": "assign", "text": …}
{"work": "branch", "cases": [(condition, [node after, …]), …], "else": [node after, …], "first": True}
{"work": "merge", "states": {"success", "fail", "skip"}, "least": 1}
"""

from __future__ import annotations

from tests.core.oracle_operators import Operators


class Choices(Operators):
    def _passed_over(self, node: int) -> bool:
        raise NotImplementedError

    def _holds(self, node: int, before: int, condition: str) -> str:
        raise NotImplementedError

    def _ask(self, node: int) -> bool:
        raise NotImplementedError

    def _failed(self, node: int, *, again: bool) -> None:
        raise NotImplementedError

    def _is_gate(self, node: int) -> bool:
        """A branch that decided nothing stands open."""
        chose = self.nodes[node]["chosen"] is not None or self._passed_over(node)
        return bool(self.shape[node]["work"] == "branch" and chose)

    def _closed(self, node: int, before: int) -> bool:
        return self._is_gate(before) and node not in (self.nodes[before]["chosen"] or [])

    def _asking_lines(self, node: int) -> list[tuple[int, str | None]]:
        """Those with conditions, then those from branches."""
        lines = self.shape[node]["lines"]
        with_conditions = [line for line in lines if line[1] is not None]
        return with_conditions + [line for line in lines if line[1] is None and self._is_gate(line[0])]

    def _line(self, node: int, before: int, condition: str | None) -> str:
        if self._passed_over(before) or self._closed(node, before):
            return "false"
        return "true" if condition is None else self._holds(node, before, condition)

    def _choose(self, node: int) -> bool:
        run, rules = self.nodes[node], self.shape[node]
        chosen: set[int] = set()
        held = unknown = False
        for condition, after in rules["cases"]:
            answer = self._holds(node, node, condition)
            if answer == "broken":
                self._failed(node, again=False)
                return True
            unknown = unknown or answer == "unknown"
            if answer == "true":
                held = True
                chosen.update(after)
                if rules["first"]:
                    break
        if unknown:
            return self._ask(node)
        run["state"], run["clock"] = "success", None
        run["chosen"] = sorted(chosen if held else set(rules["else"]))
        return True

    def _assign(self, node: int) -> bool:
        run, rules = self.nodes[node], self.shape[node]
        if rules["text"] == "broken":
            self._failed(node, again=False)
            return True
        if rules["text"] == "clock" and run["clock"] is None:
            return self._ask(node)
        run["state"], run["value"] = "success", "plain" if rules["text"] == "plain" else str(run["clock"])
        run["clock"] = None
        return True

    def _merge(self, node: int) -> bool:
        run, rules = self.nodes[node], self.shape[node]
        answers = [(before, self._line(node, before, condition)) for before, condition in rules["lines"]]
        if any(answer == "broken" for _, answer in answers):
            self._failed(node, again=False)
            return True
        if any(answer == "unknown" for _, answer in answers):
            return self._ask(node)
        ended = ["skip" if answer == "false" else self._came_as(before) for before, answer in answers]
        enough = sum(each in rules["states"] for each in ended) >= rules["least"]
        run["state"] = "success" if enough or not rules["lines"] else "skip"
        run["clock"] = None
        return True

    def _came_as(self, before: int) -> str:
        return "fail" if self.nodes[before]["state"] == "fail" else "success"
