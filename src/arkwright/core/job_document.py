"""Reads a stored job document into the core's `Job`.

Rules: pure; lenient where a document merely looks odd (numbers as texts, missing defaults, values the
documents print but do not describe), strict where it could not be run truthfully (unknown predecessors, a cycle,
two nodes of one name). The limits of single fields are the API's business: what was stored once stays readable
although a limit changes. Every complaint is an `InvalidInput` that names the field and the way out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from arkwright.core.document_values import short, text_of, whole
from arkwright.core.job import FailPolicy, Job, Node, Parameter, ParameterKind
from arkwright.core.node_settings import read_exit_codes, read_extractions, read_skip_policy
from arkwright.core.rules import SkipPolicy
from arkwright.core.workers import GROUP, JOB_GROUP
from arkwright.errors import Code, InvalidInput

DEFAULT_MAX_EXECUTION_MINUTES = 60
DEFAULT_RETRY_INTERVAL_SECONDS = 120

_SAME_TYPE = {
    "restclient": "restapi",
    "rest": "restapi",
    "cloudtablemanage": "cloudtablemanager",
    "mrshivesql": "hivesql",
    "mrssparksql": "sparksql",
    "mrsmapreduce": "mapreduce",
}
"""Names that the documents, the console and newer APIs give to one type."""

_SEPARATORS = str.maketrans("", "", " -_")


def canonical_type(name: str) -> str:
    """The one name of a node type: `DLI SQL`, `DLI-SQL` and `DLISQL` are all `dlisql`."""
    plain = name.translate(_SEPARATORS).lower()
    return _SAME_TYPE.get(plain, plain)


def read_job(document: Mapping[str, Any]) -> Job:
    """The job that a document with canonical field names describes.

    Raises `InvalidInput` with the field (`nodes[2].retryTimes`) and, where there is one, a code of its own.
    """
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidInput("name is missing.", field="name", hint="Give the job a name.", code=Code.JOB_NAME_EMPTY)
    items = document.get("nodes")
    if items is not None and not isinstance(items, list | tuple):
        raise InvalidInput("nodes must be a list of nodes.", field="nodes")
    if not items:
        raise InvalidInput(
            "nodes is empty.", field="nodes", hint="A job needs at least one node.", code=Code.JOB_WITHOUT_NODES
        )
    nodes = _placed(_nodes(items, _task_group(document)), document.get(GROUP))
    parameters = read_parameters(document)
    return Job(
        name=name,
        nodes=nodes,
        parameters=parameters,
        dry_run=_flag(document.get("emptyRunningJob"), "emptyRunningJob"),
        priority=_priority(document),
        masked=tuple(each.name for each in parameters if each.masked),
        extractions=read_extractions(nodes, parameters),
        timeout_seconds=_timeout(document.get("basicConfig")),
        log_path=_log_path(document.get("logPath")),
    )


def script_names(job: Job) -> tuple[str, ...]:
    """Names of the scripts that the job's nodes refer to, each once, in the order of the nodes.

    A node that says that it uses its statement (`statementOrScript`) does not refer to the script it also names.
    """
    names: dict[str, None] = {}
    for node in job.nodes:
        name = node.properties.get("scriptName", "")
        if name and node.properties.get("statementOrScript", "").lower() != "statement":
            names[name] = None
    return tuple(names)


def find_cycle(predecessors: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """Positions along one cycle in the direction of the arrows, the first repeated at the end. None: no cycle."""
    waiting = [len(set(before)) for before in predecessors]
    successors: list[list[int]] = [[] for _ in predecessors]
    for index, before in enumerate(predecessors):
        for each in set(before):
            successors[each].append(index)
    free = [index for index, count in enumerate(waiting) if not count]
    while free:
        for index in successors[free.pop()]:
            waiting[index] -= 1
            if not waiting[index]:
                free.append(index)
    stuck = {index for index, count in enumerate(waiting) if count}
    if not stuck:
        return None
    # Each stuck node waits for another stuck node: walking backwards must come round.
    path: dict[int, None] = {}
    current = min(stuck)
    while current not in path:
        path[current] = None
        current = min(each for each in predecessors[current] if each in stuck)
    walked = list(path)
    loop = walked[walked.index(current) :]
    loop.reverse()
    start = loop.index(min(loop))
    loop = loop[start:] + loop[:start]
    return (*loop, loop[0])


# ---------------------------------------------------------------- nodes


def _nodes(items: Sequence[Any], task_group: str = "") -> tuple[Node, ...]:
    names: dict[str, int] = {}
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise InvalidInput(f"nodes[{index}] must be an object.", field=f"nodes[{index}]")
        name = item.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidInput(
                f"nodes[{index}].name is missing.", field=f"nodes[{index}].name", hint="Give each node a name."
            )
        if name in names:
            raise InvalidInput(
                f"nodes[{index}].name {name!r} is also the name of nodes[{names[name]}].",
                field=f"nodes[{index}].name",
                hint="Names of nodes must be unique in a job: rename one of them.",
            )
        names[name] = index
    before = [_predecessors(item, index, names) for index, item in enumerate(items)]
    cycle = find_cycle(before)
    if cycle is not None:
        shown = " -> ".join(str(items[index]["name"]) for index in cycle)
        raise InvalidInput(
            f"nodes form a cycle: {shown}.",
            field="nodes",
            hint="A job's lines must not lead back to where they came from: remove one of these preNodeName entries.",
        )
    after: list[list[int]] = [[] for _ in items]
    for index, each in enumerate(before):
        for position in each:
            after[position].append(index)
    nodes = [_node(item, index, names, before[index], tuple(after[index])) for index, item in enumerate(items)]
    if not task_group:
        return tuple(nodes)
    return tuple(each if each.task_group else msgspec.structs.replace(each, task_group=task_group) for each in nodes)


def _task_group(document: Mapping[str, Any]) -> str:
    """The job's, which counts for nodes without one."""
    for place in (document, document.get("schedule"), document.get("basicConfig")):
        if isinstance(place, Mapping) and isinstance(place.get("taskGroup"), str) and place["taskGroup"]:
            return str(place["taskGroup"])
    return ""


def _priority(document: Mapping[str, Any]) -> int:
    """0 high, 1 medium, 2 low; anything else counts as high, as a document without one does."""
    basic = document.get("basicConfig")
    given = document.get("priority", basic.get("priority") if isinstance(basic, Mapping) else None)
    return int(given) if str(given) in ("0", "1", "2") else 0


def _node(
    item: Mapping[str, Any], index: int, names: Mapping[str, int], before: tuple[int, ...], after: tuple[int, ...]
) -> Node:
    where = f"nodes[{index}]"
    type_name = item.get("type")
    if not isinstance(type_name, str) or not canonical_type(type_name):
        raise InvalidInput(
            f"{where}.type is missing.", field=f"{where}.type", hint="Give the node a type, such as Shell or DLISQL."
        )
    minutes = _number(item.get("maxExecutionTime"), f"{where}.maxExecutionTime")
    interval = _number(item.get("retryInterval"), f"{where}.retryInterval")
    return Node(
        index=index,
        name=item["name"],
        type=canonical_type(type_name),
        task_group=text_of(item.get("taskGroup")),
        properties=_properties(item.get("properties"), where),
        predecessors=before,
        successors=after,
        conditions=_conditions(item.get("conditions"), where, names, before),
        skip_policies=_skip_policies(item.get("conditions"), where, names),
        fail_policy=_fail_policy(item.get("failPolicy"), where),
        retry_times=_number(item.get("retryTimes"), f"{where}.retryTimes"),
        retry_interval_seconds=interval or DEFAULT_RETRY_INTERVAL_SECONDS,
        retry_on_timeout=_flag(item.get("execTimeOutRetry"), f"{where}.execTimeOutRetry"),
        retry_exit_codes=read_exit_codes(item.get("retryExitCodes"), canonical_type(type_name), where),
        max_execution_seconds=(minutes or DEFAULT_MAX_EXECUTION_MINUTES) * 60,
        dry_run=_flag(item.get("emptyRunningJob"), f"{where}.emptyRunningJob"),
    )


def _predecessors(item: Mapping[str, Any], index: int, names: Mapping[str, int]) -> tuple[int, ...]:
    where = f"nodes[{index}].preNodeName"
    given = item.get("preNodeName")
    if given is None or given == "":
        return ()
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list | tuple):
        raise InvalidInput(f"{where} must be a list of names of nodes.", field=where)
    found: dict[int, None] = {}
    for position, name in enumerate(given):
        if not isinstance(name, str):
            raise InvalidInput(f"{where}[{position}] must be the name of a node.", field=f"{where}[{position}]")
        if name not in names:
            raise InvalidInput(
                f"{where}[{position}] names {name!r}, which is no node of this job.",
                field=f"{where}[{position}]",
                hint=f"The nodes are: {_some(names)}.",
            )
        found[names[name]] = None
    return tuple(found)


def _conditions(given: Any, where: str, names: Mapping[str, int], before: tuple[int, ...]) -> Mapping[int, str]:
    field = f"{where}.conditions"
    if given is None:
        return {}
    if isinstance(given, Mapping):
        given = [given]
    if not isinstance(given, list | tuple):
        raise InvalidInput(f"{field} must be a list of objects with preNodeName and expression.", field=field)
    found: dict[int, str] = {}
    parents = set(before)
    for position, each in enumerate(given):
        at = f"{field}[{position}]"
        if not isinstance(each, Mapping):
            raise InvalidInput(f"{at} must be an object with preNodeName and expression.", field=at)
        expression = each.get("expression")
        if expression is None or expression == "":
            continue  # the console writes an empty expression for a line without a condition
        if isinstance(expression, bool):
            expression = "true" if expression else "false"
        if not isinstance(expression, str):
            raise InvalidInput(f"{at}.expression must be a text.", field=f"{at}.expression")
        name = each.get("preNodeName")
        if not isinstance(name, str) or names.get(name) not in parents:
            raise InvalidInput(
                f"{at}.preNodeName names {name!r}, from which no line leads to this node.",
                field=f"{at}.preNodeName",
                hint=f"Add it to {where}.preNodeName, or remove the condition.",
            )
        if names[name] in found:
            raise InvalidInput(
                f"{at}.preNodeName names {name!r} a second time.",
                field=f"{at}.preNodeName",
                hint="One line has one condition: join the expressions with && or ||.",
            )
        found[names[name]] = expression
    return found


def _skip_policies(given: Any, where: str, names: Mapping[str, int]) -> Mapping[int, SkipPolicy]:
    """Of a list that `_conditions` has accepted."""
    found: dict[int, SkipPolicy] = {}
    for position, each in enumerate([given] if isinstance(given, Mapping) else given or ()):
        policy = read_skip_policy(each.get("skipPolicy"), f"{where}.conditions[{position}].skipPolicy")
        if policy is not None and each.get("preNodeName") in names:
            found[names[each["preNodeName"]]] = policy
    return found


def _properties(given: Any, where: str) -> Mapping[str, str]:
    field = f"{where}.properties"
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(name): text_of(value) for name, value in given.items()}
    if not isinstance(given, list | tuple):
        raise InvalidInput(f"{field} must be a list of objects with name and value.", field=field)
    found: dict[str, str] = {}
    for position, each in enumerate(given):
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str) or not name:
            raise InvalidInput(
                f"{field}[{position}] must be an object with name and value.", field=f"{field}[{position}]"
            )
        found[name] = text_of(each.get("value"))
    return found


def read_parameters(document: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """A job's own parameters, also of a document that could not be run."""
    given = document.get("params")
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise InvalidInput("params must be a list of objects with name and value.", field="params")
    found: dict[str, Parameter] = {}
    for position, each in enumerate(given):
        at = f"params[{position}]"
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str) or not name:
            raise InvalidInput(f"{at} must be an object with name and value.", field=at)
        if name in found:
            raise InvalidInput(
                f"{at}.name {name!r} is given twice.", field=f"{at}.name", hint="Keep one of the two entries."
            )
        constant = str(each.get("type") or "").lower() in {"constants", "constant"}
        found[name] = Parameter(
            name=name,
            value=text_of(each.get("value")),
            kind=ParameterKind.CONSTANTS if constant else ParameterKind.VARIABLE,
            masked=_flag(each.get("masked"), f"{at}.masked"),
        )
    return tuple(found.values())


def _placed(nodes: tuple[Node, ...], group: Any) -> tuple[Node, ...]:
    """The job's group of workers, known to each of its nodes."""
    if not isinstance(group, str) or not group.strip():
        return nodes
    known = {JOB_GROUP: group.strip()}
    return tuple(msgspec.structs.replace(each, properties={**known, **each.properties}) for each in nodes)


def _log_path(given: Any) -> str:
    """What is no path in the object storage is passed over: the API refuses it, old documents may hold it."""
    return given if isinstance(given, str) and given.startswith("obs://") else ""


def _timeout(basic: Any) -> int | None:
    """Minutes in `basicConfig.instanceTimeout`; 0 or none is no limit."""
    given = basic.get("instanceTimeout") if isinstance(basic, Mapping) else None
    return _number(given, "basicConfig.instanceTimeout") * 60 or None


# ---------------------------------------------------------------- single values


def _fail_policy(given: Any, where: str) -> FailPolicy:
    if given is None or given == "":
        return FailPolicy.FAIL
    try:
        return FailPolicy(str(given).upper())
    except ValueError:
        raise InvalidInput(
            f"{where}.failPolicy must be one of {', '.join(FailPolicy)}, not {short(given)}.",
            field=f"{where}.failPolicy",
        ) from None


def _number(given: Any, field: str) -> int:
    """A whole number from 0, or 0 where nothing is given."""
    if given is None or given == "":
        return 0
    number = whole(given.strip() if isinstance(given, str) else given)
    if number is None or not 0 <= number < 2**53:
        raise InvalidInput(f"{field} must be a whole number from 0, not {short(given)}.", field=field)
    return number


def _flag(given: Any, field: str) -> bool:
    if given is None or given == "":
        return False
    if isinstance(given, bool):
        return given
    match str(given).strip().lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise InvalidInput(f"{field} must be true or false, not {short(given)}.", field=field)


def _some(names: Mapping[str, int]) -> str:
    shown = list(names)[:10]
    return ", ".join(shown) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
