"""From a node's settings to what it decides, or wants of its children: texts evaluated, the job known."""

from __future__ import annotations

from arkwright.core.control import ASSIGNMENT, BRANCH, for_each, subjob
from arkwright.core.control.assignment import assignment
from arkwright.core.control.branch import branch
from arkwright.core.control.deciding import Decision
from arkwright.core.control.reading import SettingWrong
from arkwright.core.control.work import Wanted
from arkwright.core.draft import Draft
from arkwright.core.job import Node
from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.resolve import Resolver
from arkwright.el import LoopScope, Missing


def decision(draft: Draft, node: Node, resolver: Resolver) -> Decision | Missing:
    """Raises `SettingWrong` and `ElError`."""
    if node.type == ASSIGNMENT:
        return assignment(node, draft.runs, resolver)
    if node.type == BRANCH:
        return branch(node, draft.plan.job, resolver)
    return Decision()


def wanted_children(draft: Draft, node: Node) -> Wanted | Missing | Failed:
    """Mistakes in the settings as a `Failed`. Raises `ElError`."""
    header, run = draft.header(), draft.runs[node.index]
    outside = Resolver(draft.plan, header, draft.runs, run)

    def text_of(text: str, loop: LoopScope | None) -> str | Missing:
        resolver = outside if loop is None else Resolver(draft.plan, header, draft.runs, run, loop=loop)
        return resolver.text(text)

    try:
        wanted = for_each.wanted(node, text_of) if node.type == "foreach" else subjob.wanted(node, text_of)
    except SettingWrong as error:
        return Failed(kind=FailureKind.REFUSED, message=str(error))
    if isinstance(wanted, Wanted) and wanted.job_name not in draft.state.subjobs:
        message = (
            f"The job {wanted.job_name!r} was not there when this instance began. Start the job anew, or restart the "
            "instance with the latest version."
        )
        return Failed(kind=FailureKind.REFUSED, message=message)
    return wanted
