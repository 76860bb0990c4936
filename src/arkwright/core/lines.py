"""Whether the lines to a node let it run, once all nodes before it are settled (factory-behaviour 3.2, decision 0013).

Rules: see `core/flow`. A line has a say if it carries a condition or comes from a Branch that has decided; all others
are plain. Nothing here changes the draft.
"""

from __future__ import annotations

from arkwright.core.control import BRANCH, MERGE
from arkwright.core.control.merge import joins
from arkwright.core.draft import Draft
from arkwright.core.instance import ConditionPolicy, NodeRun, NodeStatus
from arkwright.core.job import Node
from arkwright.core.resolve import Resolver
from arkwright.core.rules import SkipPolicy
from arkwright.el import Fact, Missing


def is_dry(draft: Draft, node: Node) -> bool:
    return node.dry_run or draft.plan.job.dry_run or draft.state.dry_run


def _lines_with_a_say(draft: Draft, node: Node) -> list[int]:
    """Where they come from: first those with conditions."""
    chosen = [before for before in node.predecessors if chooses(draft, before) and before not in node.conditions]
    return [*node.conditions, *chosen]


def chooses(draft: Draft, before: int) -> bool:
    """Whether it is a Branch that has a say in what runs behind it. One that decided nothing has none."""
    run = draft.runs[before]
    return draft.plan.job.nodes[before].type == BRANCH and (run.chosen is not None or passed_over(run))


def lines_hold(draft: Draft, node: Node, resolver: Resolver) -> bool | Missing:
    if not node.predecessors:
        return True
    if node.type == MERGE:
        states = line_states(draft, node, resolver)
        return states if isinstance(states, Missing) else joins(node, states)
    asked = _lines_with_a_say(draft, node)
    plain = [draft.runs[before] for before in node.predecessors if before not in asked]
    if plain and all(passed_over(run) for run in plain):
        return False
    if not asked:
        return True
    every = draft.state.condition_policy is ConditionPolicy.AND
    missing: set[Fact] = set()
    for before in asked:
        answer = _line_holds(draft, node, before, resolver)
        if isinstance(answer, Missing):
            missing |= answer.facts
        elif answer is not every:
            return answer
    return Missing(frozenset(missing)) if missing else every


def _line_holds(draft: Draft, node: Node, before: int, resolver: Resolver) -> bool | Missing:
    run = draft.runs[before]
    if passed_over(run) or (chooses(draft, before) and node.index not in (run.chosen or ())):
        return False
    condition = node.conditions.get(before)
    return True if condition is None else resolver.condition(condition)


def line_states(draft: Draft, node: Node, resolver: Resolver) -> list[str] | Missing:
    """Of each line to a Merge: `success`, `fail` (a failure that is ignored) or `skip`."""
    states: list[str] = []
    missing: set[Fact] = set()
    for before in node.predecessors:
        came = _line_holds(draft, node, before, resolver)
        if isinstance(came, Missing):
            missing |= came.facts
        elif not came:
            states.append("skip")
        else:
            states.append("fail" if draft.runs[before].status is NodeStatus.FAIL else "success")
    return Missing(frozenset(missing)) if missing else states


def passed_over(run: NodeRun) -> bool:
    """Skipped by its conditions with all that follows. One that an operator skipped counts as done."""
    return run.status is NodeStatus.SKIP and not run.forced and not run.skipped_alone


def skipped_alone(draft: Draft, node: Node) -> bool:
    """Whether a node that its conditions skip leaves what comes after it alone."""
    lines = _lines_with_a_say(draft, node)
    plain = [before for before in node.predecessors if before not in lines]
    if plain and all(passed_over(draft.runs[before]) for before in plain):
        return False
    asked = [before for before in lines if not passed_over(draft.runs[before])]
    return bool(asked) and all(_policy(draft, node, before) is SkipPolicy.NEXT for before in asked)


def _policy(draft: Draft, node: Node, before: int) -> SkipPolicy:
    """The line's own, else the workspace's; behind a Branch stands a whole way that is gone or not."""
    default = SkipPolicy.ALL if chooses(draft, before) else draft.state.rules.skip_policy
    return node.skip_policies.get(before, default)
