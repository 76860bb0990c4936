"""Which nodes may run, are skipped, or wait: the walk over the graph after something has ended.

Rules (factory-behaviour 3, 3.1, 3.2):

* A node is decided when all its predecessors are settled: succeeded, skipped, failed with IGNORE (successors run) or
  with FAIL_CHILD (everything after is skipped). A predecessor that failed with SUSPEND is not settled: successors wait.
* Lines with a condition: at least one must hold, or each of them (the instance's `condition_policy`, from its
  workspace). A skipped predecessor counts as false.
* A condition that doesn't hold skips the node and everything after it, or the node alone (`skipPolicy` of the line,
  else the workspace's): what comes after that one runs as if it had succeeded. Of several such lines, ALL wins.
* Lines without a condition: a node whose predecessors were all skipped is skipped.
* A line that a Branch did not choose is one whose condition doesn't hold, and skips everything after it unless the
  line itself says otherwise. A Merge asks for no line in particular but counts them (`core/control`).
* A control node, or a dry run, is over at once.
"""

from __future__ import annotations

from typing import assert_never

from arkwright.core.commands import LookUp, SetDeadline, SetRetryTimer, StartAttempt
from arkwright.core.control import MERGE, is_control, is_parent
from arkwright.core.control.deciding import Decision
from arkwright.core.control.merge import left_out
from arkwright.core.control.reading import SettingWrong
from arkwright.core.control.running import open_children
from arkwright.core.control.wishes import decision, wanted_children
from arkwright.core.draft import Draft
from arkwright.core.facts import fact_key
from arkwright.core.instance import ConditionPolicy, InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import FailPolicy, Node
from arkwright.core.lines import chooses, is_dry, line_states, lines_hold, skipped_alone
from arkwright.core.masking import hidden
from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.resolve import Resolver
from arkwright.core.slots import SlotUse
from arkwright.el import ElError, Fact, Missing


def begin(draft: Draft) -> bool:
    """Start the instance, unless it has started. Answers whether it has just been."""
    if draft.runs:
        return False
    nodes = draft.plan.job.nodes
    draft.runs = [NodeRun(index=node.index, name=node.name) for node in nodes]
    draft.set(status=InstanceStatus.RUNNING, start_time_ms=draft.at_ms)
    advance(draft, [node.index for node in nodes if not node.predecessors])
    return True


def advance(draft: Draft, candidates: list[int]) -> None:
    """Decide the candidates and whatever becomes decidable by that."""
    work = list(reversed(candidates))
    while work:
        index = work.pop()
        if draft.stopping is not None or draft.status is InstanceStatus.PAUSE:
            return
        if draft.runs[index].status is not NodeStatus.WAITING:
            continue
        if draft.runs[index].looking_up or _queued(draft.runs[index]):
            continue
        _decide(draft, draft.plan.job.nodes[index])
        if _settled(draft, index):
            work.extend(reversed(draft.plan.job.nodes[index].successors))


def _settled(draft: Draft, index: int) -> bool:
    """Whether successors may be decided as far as this node is concerned."""
    run = draft.runs[index]
    match run.status:
        case NodeStatus.SUCCESS | NodeStatus.SKIP:
            return True
        case NodeStatus.FAIL:
            return run.failure_ignored or draft.plan.job.nodes[index].fail_policy is FailPolicy.FAIL_CHILD
        case NodeStatus.WAITING | NodeStatus.RUNNING | NodeStatus.PAUSE | NodeStatus.MANUAL_STOP:
            return False
    assert_never(run.status)


def _decide(draft: Draft, node: Node) -> None:
    if not all(_settled(draft, before) for before in node.predecessors):
        return
    for before in node.predecessors:
        run = draft.runs[before]
        if run.blocked or (run.status is NodeStatus.FAIL and not run.failure_ignored):
            reason = run.message if run.blocked else f"Not run: node {run.name!r} before it failed."
            draft.end(node.index, NodeStatus.SKIP, reason, blocked=True)
            return
    resolver = Resolver(draft.plan, draft.header(), draft.runs, draft.runs[node.index])
    try:
        holds = lines_hold(draft, node, resolver)
        if isinstance(holds, Missing):
            _look_up(draft, node, holds.facts)
        elif not holds:
            _skip(draft, node, resolver)
        elif node.type != "dummy" and is_dry(draft, node):
            draft.end(node.index, NodeStatus.SUCCESS, "Dry run: nothing was executed.", start_time_ms=draft.at_ms)
        elif is_control(node):
            _conclude(draft, node, decision(draft, node, resolver))
        else:
            _start(draft, node, resolver)
    except (ElError, SettingWrong) as error:
        draft.change(node.index, start_time_ms=draft.at_ms)
        fail(draft, node, _refusal(error))


def _refusal(error: ElError | SettingWrong) -> Failed:
    if isinstance(error, SettingWrong):
        return Failed(kind=FailureKind.REFUSED, message=hidden(str(error)))
    if error.expression is not None:
        error.expression = hidden(error.expression)
    return Failed(kind=FailureKind.REFUSED, message=f"An expression can't be evaluated: {error}")


def _conclude(draft: Draft, node: Node, made: Decision | Missing) -> None:
    if isinstance(made, Missing):
        _look_up(draft, node, made.facts)
        return
    what = {"value": made.value, "chosen": made.chosen, "start_time_ms": draft.at_ms}
    draft.end(node.index, NodeStatus.SUCCESS, made.message, **what)


def _skip(draft: Draft, node: Node, resolver: Resolver) -> None:
    if node.type == MERGE:
        states = line_states(draft, node, resolver)
        assert not isinstance(states, Missing)
        draft.end(node.index, NodeStatus.SKIP, left_out(node, states))
        return
    which = "not every" if draft.state.condition_policy is ConditionPolicy.AND else "no"
    reason = f"Skipped: {which} condition on a line to it holds."
    if not node.conditions and any(chooses(draft, before) for before in node.predecessors):
        reason = "Skipped: a Branch before it chose another way."
    draft.end(node.index, NodeStatus.SKIP, reason, skipped_alone=skipped_alone(draft, node))


def wanted_facts(draft: Draft, node: Node) -> frozenset[Fact]:
    """What a node that is looking up still needs.

    Other nodes may have ended since it asked, so it may need other facts now, or none: an empty look-up is answered
    too, and lets it go on by an event.
    """
    resolver = Resolver(draft.plan, draft.header(), draft.runs, draft.runs[node.index])
    try:
        answer = lines_hold(draft, node, resolver)
        if answer is True and not is_dry(draft, node):
            resolved = _asked(draft, node, resolver)
            return resolved.facts if isinstance(resolved, Missing) else frozenset()
    except (ElError, SettingWrong):
        return frozenset()
    return answer.facts if isinstance(answer, Missing) else frozenset()


def _asked(draft: Draft, node: Node, resolver: Resolver) -> object:
    if is_control(node):
        return decision(draft, node, resolver)
    return wanted_children(draft, node) if is_parent(node) else resolver.resolve()


def _look_up(draft: Draft, node: Node, facts: frozenset[Fact]) -> None:
    run = draft.change(node.index, looking_up=True, look_ups=draft.runs[node.index].look_ups + 1)
    draft.commands.append(look_up(draft.state.id, run, facts))


def look_up(instance_id: int, run: NodeRun, facts: frozenset[Fact]) -> LookUp:
    return LookUp(
        instance_id=instance_id, node=run.index, number=run.look_ups, facts=frozenset(fact_key(fact) for fact in facts)
    )


def _start(draft: Draft, node: Node, resolver: Resolver) -> None:
    if is_parent(node):
        _start_children(draft, node)
        return
    if not _has_slot(draft, node):
        return
    resolved = resolver.resolve()
    if isinstance(resolved, Missing):
        _look_up(draft, node, resolved.facts)
        return
    run = draft.runs[node.index]
    deadline = draft.at_ms + node.max_execution_seconds * 1000
    run = draft.change(
        node.index,
        status=NodeStatus.RUNNING,
        start_time_ms=run.start_time_ms if run.retries else draft.at_ms,
        end_time_ms=None,
        attempt=run.attempt + 1,
        retry_at_ms=None,
        deadline_ms=deadline,
        facts={},
        look_up_failure=None,
        message=None,
    )
    draft.commands.append(
        StartAttempt(
            instance_id=draft.state.id,
            node=node.index,
            node_name=node.name,
            attempt=run.attempt,
            type=node.type,
            properties=resolved.properties,
            script=resolved.script,
            parameters=resolved.parameters,
            deadline_ms=deadline,
        )
    )
    draft.commands.append(SetDeadline(instance_id=draft.state.id, node=node.index, attempt=run.attempt, at_ms=deadline))


def _queued(run: NodeRun) -> bool:
    return run.slot is not None and not run.slot.held


def _has_slot(draft: Draft, node: Node) -> bool:
    """Whether the node may run as far as limits are concerned; if not, it waits for a slot from now on.

    A node that runs other jobs needs none: what these run does, and it would wait for them holding its own."""
    if not node.task_group and not draft.state.rules.node_limit:
        return True
    if draft.runs[node.index].slot is None:
        priority = draft.plan.job.priority
        use = SlotUse(group=node.task_group, priority=priority, since_ms=draft.at_ms)
        draft.change(node.index, slot=use)
    return not _queued(draft.runs[node.index])


def _start_children(draft: Draft, node: Node) -> None:
    wanted = wanted_children(draft, node)
    match wanted:
        case Missing():
            _look_up(draft, node, wanted.facts)
        case Failed():
            draft.change(node.index, start_time_ms=draft.at_ms)
            fail(draft, node, wanted)
        case _:
            if open_children(draft, node, wanted) is not None:
                draft.end(node.index, NodeStatus.SUCCESS, "There was nothing to run.")


def start_again(draft: Draft, index: int) -> None:
    """The retry interval is over: the same node, evaluated afresh."""
    draft.change(index, status=NodeStatus.WAITING, retry_at_ms=None)
    advance(draft, [index])


def fail(draft: Draft, node: Node, failure: Failed, *, timed_out: bool = False) -> None:
    """The node's attempt failed: retry it, or let its failPolicy say what that means.

    The caller decides its successors then (`advance`); here, a chain of failures would nest as deep as it is long.
    """
    run = draft.runs[node.index]
    may_retry = node.retry_on_timeout if timed_out else _may_retry(node, failure)
    if may_retry and run.retries < node.retry_times and draft.stopping is None:
        retry_at = draft.at_ms + node.retry_interval_seconds * 1000
        draft.change(
            node.index,
            status=NodeStatus.RUNNING,
            retries=run.retries + 1,
            retry_at_ms=retry_at,
            deadline_ms=None,
            timed_out=False,
            cancelling=False,
            slot=None,
            exit_code=failure.exit_code,
            message=f"{failure.message} (retry {run.retries + 1} of {node.retry_times} follows)",
        )
        draft.commands.append(
            SetRetryTimer(instance_id=draft.state.id, node=node.index, attempt=run.attempt, at_ms=retry_at)
        )
        return
    ignored = node.fail_policy is FailPolicy.IGNORE
    draft.end(
        node.index,
        NodeStatus.FAIL,
        failure.message,
        exit_code=failure.exit_code,
        output=failure.output,
        failure_ignored=ignored,
        cancelling=False,
        timed_out=False,
    )
    match node.fail_policy:
        case FailPolicy.FAIL:
            if draft.stopping is None:
                draft.set(stopping=InstanceStatus.FAIL, message=f"Node {node.name!r} failed: {failure.message}")
            draft.cancel_running()
        case FailPolicy.SUSPEND:
            if draft.stopping is None:
                draft.set(message=f"Node {node.name!r} failed and its failPolicy is SUSPEND: {failure.message}")
                if draft.status is not InstanceStatus.PAUSE:  # its resumption looks for suspending nodes
                    draft.set(status=InstanceStatus.RUNNING_EXCEPTION)
        case FailPolicy.FAIL_CHILD | FailPolicy.IGNORE:
            pass
        case _:
            assert_never(node.fail_policy)


def _may_retry(node: Node, failure: Failed) -> bool:
    """Of a failure within the time limit. Where exit codes are named, one that is not known is none of them."""
    if failure.kind is FailureKind.REFUSED:
        return False
    code, ranges = failure.exit_code, node.retry_exit_codes
    return not ranges or (code is not None and any(low <= code <= high for low, high in ranges))


def settle(draft: Draft) -> bool:
    """End the instance if nothing can happen any more. Answers whether it has ended."""
    running = waiting = failed = suspended = ignored = False
    for run in draft.runs:  # none yet if the instance is stopped before it starts
        node = draft.plan.job.nodes[run.index]
        match run.status:
            case NodeStatus.RUNNING:
                running = True
            case NodeStatus.WAITING | NodeStatus.PAUSE:
                waiting = True
            case NodeStatus.FAIL if run.failure_ignored:
                ignored = True
            case NodeStatus.FAIL if node.fail_policy is FailPolicy.SUSPEND:
                suspended = True
            case NodeStatus.FAIL:
                failed = True
            case NodeStatus.SUCCESS | NodeStatus.SKIP | NodeStatus.MANUAL_STOP:
                pass
    if draft.stopping is not None:
        if running:
            return False
        _end_waiting(draft, draft.stopping)
        forced = draft.stopping is InstanceStatus.SUCCESS
        draft.set(status=draft.stopping, stopping=None, end_time_ms=draft.at_ms, force_success=forced)
        return True
    unbegun = draft.status in (InstanceStatus.WAITING, InstanceStatus.WAITING_CONFIRM, InstanceStatus.FREEZE)
    if running or waiting or suspended or unbegun:
        return False
    if failed:
        names = ", ".join(
            repr(run.name) for run in draft.runs if run.status is NodeStatus.FAIL and not run.failure_ignored
        )
        draft.set(status=InstanceStatus.FAIL, end_time_ms=draft.at_ms, message=f"Failed nodes: {names}.")
    else:
        draft.set(status=InstanceStatus.SUCCESS, end_time_ms=draft.at_ms, ignore_success=ignored)
    return True


def _end_waiting(draft: Draft, ending: InstanceStatus) -> None:
    for run in list(draft.runs):
        if run.status in (NodeStatus.WAITING, NodeStatus.PAUSE):
            if ending is InstanceStatus.MANUAL_STOP:
                draft.end(run.index, NodeStatus.MANUAL_STOP, "Not run: the instance was stopped.")
            elif ending is InstanceStatus.SUCCESS:
                draft.end(run.index, NodeStatus.SKIP, "Not run: the instance was set to success.")
            else:
                draft.end(run.index, NodeStatus.SKIP, "Not run: the instance failed.", blocked=True)
