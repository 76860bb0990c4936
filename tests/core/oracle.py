"""A second opinion on what an instance does: the documented rules over plain dicts, naive and slow.

It shares no code with the core and imports nothing of it. After each event it walks over all nodes again and again
until nothing changes any more (a fix-point), where the core walks along the lines. The rules are those of
factory-behaviour 2, 3, 3.1 and 3.2.

A shape (one version of a job) is a list of nodes:

    {"policy": "FAIL", "work": "run" | "loop" | "control" | "dry" (more: `oracle_choices`),
     "text": "plain" | "clock" | "broken",
     "retries": 2, "on_timeout": True, "codes": None or (lowest, highest),
     "lines": [(node before, condition or None), …], "skips": {node before: "NEXT" or "ALL"}}

A condition is "yes", "no", "broken", "clock" (true if the clock shows an even number), "succeeded" or "failed" (of
the node that the line comes from). "broken" can't be evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.core.oracle_choices import Choices
from tests.core.oracle_loops import Loops, no_rows
from tests.core.oracle_operators import ENDED, Node, Shape


def fresh_node(attempts: int = 0, asked: int = 0) -> Node:
    return {
        "state": "waiting",
        "attempts": attempts,
        "used": 0,  # retries used
        "pausing": False,  # between two attempts
        "asking": False,  # for the clock
        "asked": asked,  # how often; an answer says which time it answers
        "clock": None,
        "hopeless": False,  # the clock can't be found out
        "late": False,  # took too long and is being stopped
        "told_to_stop": False,
        "because_of_failure": False,  # skipped because something failed
        "forgiven": False,  # failed, but an operator went on past it
        "forced": False,  # an operator made it a success, or skipped it
        **no_rows(),
        "chosen": None,  # of a branch that has decided: the nodes after it
        "value": None,
        "alone": False,  # skipped by a condition that skips nothing else
    }


class Oracle(Choices, Loops):
    def __init__(self, shapes: list[Shape], *, all_conditions: bool = False, skip_next: bool = False) -> None:
        self.shapes = shapes
        self.skips = "NEXT" if skip_next else "ALL"
        self.all_conditions = all_conditions
        self.shape = shapes[0]
        self.nodes: list[Node] = []
        self.state = "waiting"
        self.ending: str | None = None
        self.success_with_ignored_failures = False
        self.forced = False
        self.refused = False
        self.operations: set[str] = set()
        self.done: list[tuple[str, int, int]] = []
        """What the newest event caused: ("start" | "cancel" | "ask" | "pause", node, attempt) and ("finish", 0, 0)."""

    # -- events
    def hear(self, what: str, **news: Any) -> None:
        self.done = []
        self.refused = False
        ended = self.state in ENDED
        handlers: dict[str, Callable[..., bool]] = {
            "requested": self._requested,
            "ended": self._attempt_ended,
            "child": self._child,
            "clock": self._clock,
            "no-clock": self._no_clock,
            "retry": self._retry,
            "deadline": self._deadline,
            "stop": self._stop,
            "restart": self._restart,
            "fault": self._fault,
            "operate": self._operate,
        }
        if ended and what not in ("restart", "operate"):
            return
        if what not in ("restart", "operate") and news.get("node", -1) >= len(self.nodes):
            return  # a node of an earlier version of the job
        if not handlers[what](**news):
            return
        if self.state not in ENDED:
            self._walk_until_nothing_changes()
            self._end_if_over()

    def _requested(self) -> bool:
        if self.nodes:
            return False
        self.nodes = [fresh_node() for _ in self.shape]
        self.state = "running"
        return True

    def _attempt_ended(self, node: int, attempt: int, how: str) -> bool:
        run = self.nodes[node]
        if run["state"] != "running" or run["pausing"] or run["attempts"] != attempt or self._is_loop(node):
            return False
        late, told = run["late"], run["told_to_stop"]
        run["late"] = run["told_to_stop"] = False
        if how == "success":
            run["state"] = "success"
        elif late:
            self._failed(node, again=self.shape[node]["on_timeout"])
        elif told:
            run["state"] = "manual-stop"
        else:
            self._failed(node, again=self._code_allows(node, how))
        return True

    def _code_allows(self, node: int, how: str) -> bool:
        wanted = self.shape[node]["codes"]
        code = {"error": 1, "error-7": 7}.get(how)
        if how == "refused":
            return False
        return wanted is None or (code is not None and wanted[0] <= code <= wanted[1])

    def _clock(self, node: int, number: int, shows: int) -> bool:
        run = self.nodes[node]
        if not run["asking"] or run["asked"] != number:
            return False
        run["asking"] = False
        run["clock"] = shows
        return True

    def _no_clock(self, node: int, number: int) -> bool:
        run = self.nodes[node]
        if not run["asking"] or run["asked"] != number:
            return False
        run["asking"], run["hopeless"] = False, True
        return True

    def _retry(self, node: int, attempt: int) -> bool:
        run = self.nodes[node]
        if not run["pausing"] or run["attempts"] != attempt:
            return False
        run["pausing"] = False
        run["state"] = "waiting"
        return True

    def _deadline(self, node: int, attempt: int) -> bool:
        run = self.nodes[node]
        if run["state"] != "running" or run["pausing"] or run["attempts"] != attempt or run["told_to_stop"]:
            return False
        run["late"] = run["told_to_stop"] = True
        if self._is_loop(node) and not run["under_way"]:
            self._end_loop(node)
        else:
            self.done.append(("cancel", node, attempt))
        return True

    def _stop(self, operation: str) -> bool:
        if operation in self.operations:
            return False
        self.operations.add(operation)
        self.ending = "manual-stop"
        self._stop_everything()
        return True

    def _fault(self) -> bool:
        self.ending = "fail"
        self._stop_everything()
        return True

    def _restart(self, operation: str, version: int, position: str, node: int | None) -> bool:
        if operation in self.operations:
            return False
        assert self.state in ENDED
        self.operations.add(operation)
        same = len(self.shape) == len(self.shapes[version])  # nodes are named by their numbers
        self.shape = self.shapes[version]
        everything = self.state == "success" or not same or position == "first"
        again: list[int] = []
        for index, _ in enumerate(self.shape):
            if everything or self._runs_again(index, again) or (position == "specified" and index == node):
                again.append(index)
        most = tuple(max((run[count] for run in self.nodes), default=0) for count in ("attempts", "asked"))
        old = self.nodes
        self.nodes = [
            fresh_node(*((old[index]["attempts"], old[index]["asked"]) if same else most))
            if index in again
            else old[index]
            for index, _ in enumerate(self.shape)
        ]
        for index in again:
            unchanged = same and not everything and not any(before in again for before, _ in self.shape[index]["lines"])
            if position == "error" and unchanged and self._is_loop(index):
                self.nodes[index]["good"], self.nodes[index]["what"] = old[index]["good"], old[index]["what"]
        self.state, self.ending, self.success_with_ignored_failures, self.forced = "running", None, False, False
        return True

    # -- consequences
    def _failed(self, node: int, *, again: bool) -> None:
        run, rules = self.nodes[node], self.shape[node]
        if again and self.ending is None and run["used"] < rules["retries"]:
            run["used"] += 1
            run["pausing"] = True
            run["state"] = "running"
            self.done.append(("pause", node, run["attempts"]))
            return
        run["state"] = "fail"
        run["clock"], run["hopeless"] = None, False
        if rules["policy"] == "FAIL":
            self.ending = self.ending or "fail"
            self._stop_everything()
        elif rules["policy"] == "SUSPEND" and self.ending is None and self.state != "pause":
            self.state = "running-exception"

    def _stop_everything(self) -> None:
        for index, run in enumerate(self.nodes):
            if run["pausing"]:
                run["pausing"] = False
                run["state"] = "manual-stop"
            elif (
                run["state"] == "running" and not run["told_to_stop"] and self._is_loop(index) and not run["under_way"]
            ):
                run["state"] = "manual-stop"
            elif run["state"] == "running" and not run["told_to_stop"]:
                run["told_to_stop"] = True
                self.done.append(("cancel", index, run["attempts"]))

    def _walk_until_nothing_changes(self) -> None:
        changed = True
        while changed:
            changed = False
            for node, run in enumerate(self.nodes):
                if self.ending is not None or self.state == "pause":
                    return
                if run["state"] == "waiting" and not run["asking"]:
                    changed = self._decide(node) or changed

    def _decide(self, node: int) -> bool:
        run, rules = self.nodes[node], self.shape[node]
        lines = rules["lines"]
        if not all(self._over(before) for before, _ in lines):
            return False
        if any(self._failure_reaches_beyond(before) for before, _ in lines):
            run["state"], run["because_of_failure"] = "skip", True
            return True
        unconditional = [before for before, condition in lines if condition is None and not self._is_gate(before)]
        merges = rules["work"] == "merge"
        if unconditional and not merges and all(self._passed_over(before) for before in unconditional):
            run["state"] = "skip"
            return True
        if run["hopeless"]:
            self._failed(node, again=False)
            return True
        if merges:
            return self._merge(node)
        answers = self._answers(node)
        if "broken" in answers:
            self._failed(node, again=False)
            return True
        decides = "false" if self.all_conditions else "true"
        if not answers or (decides in answers and not self.all_conditions):
            return self._run(node)
        if decides in answers:
            return self._skip(node)
        if "unknown" in answers:
            return self._ask(node)
        return self._run(node) if self.all_conditions else self._skip(node)

    def _answers(self, node: int) -> list[str]:
        """Of the lines with conditions, up to the first that decides."""
        answers: list[str] = []
        for before, condition in self._asking_lines(node):
            answers.append(self._line(node, before, condition))
            if answers[-1] in ("false" if self.all_conditions else "true", "broken"):
                break
        return answers

    def _holds(self, node: int, before: int, condition: str) -> str:
        clock = self.nodes[node]["clock"]
        if condition == "clock":
            return "unknown" if clock is None else str(clock % 2 == 0).lower()
        return {
            "yes": "true",
            "no": "false",
            "broken": "broken",
            "succeeded": str(self.nodes[before]["state"] == "success").lower(),
            "failed": str(self.nodes[before]["state"] == "fail").lower(),
        }[condition]

    def _run(self, node: int) -> bool:
        run, rules = self.nodes[node], self.shape[node]
        if rules["work"] in ("assign", "branch"):
            return self._assign(node) if rules["work"] == "assign" else self._choose(node)
        if rules["work"] not in ("run", "loop"):
            run["state"] = "success"
            run["clock"] = None
            return True
        if rules["text"] == "broken":
            self._failed(node, again=False)
            return True
        if rules["text"] == "clock" and run["clock"] is None:
            return self._ask(node)
        if rules["work"] == "loop":
            return self._open(node)
        run["state"] = "running"
        run["clock"] = None
        run["attempts"] += 1
        self.done.append(("start", node, run["attempts"]))
        return True

    def _ask(self, node: int) -> bool:
        run = self.nodes[node]
        run["asking"] = True
        run["asked"] += 1
        self.done.append(("ask", node, run["asked"]))
        return True

    def _skip(self, node: int) -> bool:
        """By conditions: those of nodes that were skipped with all that follows had no say."""
        rules = self.shape[node]
        say = [
            rules["skips"].get(before, "ALL" if self._is_gate(before) else self.skips)
            for before, _ in self._asking_lines(node)
            if not self._passed_over(before)
        ]
        self.nodes[node]["alone"] = say != [] and "ALL" not in say
        self.nodes[node]["state"] = "skip"
        self.nodes[node]["clock"] = None
        return True

    def _over(self, node: int) -> bool:
        run = self.nodes[node]
        if run["state"] == "fail":
            return self.shape[node]["policy"] in ("IGNORE", "FAIL_CHILD") or bool(run["forgiven"])
        return str(run["state"]) in ("success", "skip")

    def _passed_over(self, node: int) -> bool:
        run = self.nodes[node]
        return run["state"] == "skip" and not run["forced"] and not run["alone"]

    def _failure_reaches_beyond(self, node: int) -> bool:
        run = self.nodes[node]
        failed = run["state"] == "fail" and self.shape[node]["policy"] == "FAIL_CHILD"
        return failed or bool(run["because_of_failure"])

    def _end_if_over(self) -> None:
        running = any(run["state"] == "running" for run in self.nodes)
        if self.ending is not None:
            if not running:
                for run in self.nodes:
                    if run["state"] in ("waiting", "pause"):
                        run["state"] = "manual-stop" if self.ending == "manual-stop" else "skip"
                        run["because_of_failure"] = self.ending == "fail"
                        run["asking"] = False
                self._end(self.ending, forced=self.ending == "success")
            return
        if running or self.state == "freeze" or any(run["state"] in ("waiting", "pause") for run in self.nodes):
            return
        policies = [
            "IGNORE" if run["forgiven"] else rules["policy"]
            for run, rules in zip(self.nodes, self.shape, strict=True)
            if run["state"] == "fail"
        ]
        if "SUSPEND" in policies:
            return
        self.success_with_ignored_failures = policies != [] and set(policies) == {"IGNORE"}
        self._end("fail" if "FAIL_CHILD" in policies else "success")

    def _end(self, state: str, *, forced: bool = False) -> None:
        self.state, self.ending, self.forced = state, None, forced
        self.done.append(("finish", 0, 0))
