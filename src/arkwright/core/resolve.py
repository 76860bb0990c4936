"""What a node is really given: its properties and script after parameters and expressions are replaced.

Rules (factory-behaviour 5.1):

* Values given for a run win over the job's own; names the job lacks are accepted. A value given for a run is inserted
  as it is; a job's own value may hold `#{…}`, evaluated when it is used.
* `${name}` is replaced as text, once, before `#{…}`; what is inserted is never scanned again. A name defined nowhere
  stays as it is, so a shell script keeps its own `${HOME}`.
* A statement typed into a node is not scanned. A script's text is, and so is every other property. In a script,
  text that is no complete expression (`#{` in a comment) stays as it is.
* Job parameters rank above the workspace's environment variables, and these above a script's own arguments
  (`scriptArgs`, lines of `name=value`). `Job.getParam` sees job parameters only, `Env.get` environment variables only.
* What a REST node takes out of its answer (`extract`), and the value of an Assignment, is a parameter of the nodes
  after it, right behind the job's own.
* With `${dlf.…}` as the workspace's form (`Rules.variable_prefix`), `${dlf.x}` is the parameter `dlf.x`, else `x`, and
  no other `${…}` is a parameter. The simple variable set is replaced in the same pass; a parameter of that name wins.
  A value given for a run is not looked at for it either.
* A masked value (`core/masking.py`) is inserted sealed. It may be a part of what an expression gives; one that would
  have to look inside of it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from arkwright.core.facts import facts_of
from arkwright.core.instance import Instance, InstanceType, NodeRun, NodeStatus
from arkwright.core.job import Plan, Script
from arkwright.core.masking import MASK, holds_sealed, sealed_parts
from arkwright.core.record import Record
from arkwright.el import (
    ElError,
    ErrorKind,
    Evaluated,
    Fact,
    LoopScope,
    Missing,
    NodeOutput,
    Scope,
    SimpleVariables,
    evaluate_template,
    parse_template,
    resolve,
    whole_expressions,
)

UNSCANNED = frozenset({"statement", "sql", "sqlstatement"})
"""Properties, in lower case, that hold a statement typed into the node."""


class Resolved(Record, frozen=True, kw_only=True):
    properties: Mapping[str, str]
    script: Script | None
    parameters: Mapping[str, str]


class _FactsMissing(Exception):
    def __init__(self, facts: frozenset[Fact]) -> None:
        self.facts = facts


class Resolver:
    """Evaluates the texts of one node of one instance; parameters are worked out when first used."""

    def __init__(
        self,
        plan: Plan,
        instance: Instance,
        runs: list[NodeRun],
        run: NodeRun,
        *,
        loop: LoopScope | None = None,
        trace: bool = False,
    ) -> None:
        self._node = plan.job.nodes[run.index]
        self._plan = plan
        self._overrides = instance.parameters
        self._own = {parameter.name: parameter.value for parameter in plan.job.parameters}
        self._known: dict[tuple[str, str], str] = {}
        """By what it is called (job parameter, environment variable) and its name."""
        self._under_way: set[tuple[str, str]] = set()
        self._inserted: set[str] = set()
        """Sealed values that the text which is being evaluated has come upon."""
        self._prefix = instance.rules.variable_prefix
        own: _Source = (self.value, self.names())
        environment: _Source = (self.variable, instance.environment)
        passed_on = instance.instance_type is InstanceType.SUBJOB
        self._parameters = _Values((self._defined, self._own) if passed_on else own)
        self._environment = _Values(environment)
        self._sources: tuple[_Source, ...] = (own, environment)
        if plan.job.extractions:
            self._sources = (own, (self.extracted, plan.job.extractions), environment)
        self._values = _Values(*self._sources, prefix=self._prefix)
        self._loop = loop
        self._trace = trace
        self._instance = instance
        self._runs = runs
        self._run = run

    @cached_property
    def _scope(self) -> Scope:
        instance = self._instance
        return Scope(
            job_name=instance.job_name,
            project_id=instance.project_id,
            plan_time_ms=instance.plan_time_ms,
            start_time_ms=instance.start_time_ms,
            time_zone=instance.time_zone,
            parameters=self._parameters,
            node_status=_node_status(self._runs),
            environment=self._environment,
            event_data=instance.event_data,
            obs_new_files=instance.obs_new_files,
            loop=self._loop,
            facts={**facts_of(self._run.facts), **self._given},
            trace=self._trace,
        )

    @cached_property
    def _given(self) -> dict[Fact, object]:
        """Outputs that need no look-up: values of Assignments."""
        return {NodeOutput(run.name): run.value for run in self._runs if run.value is not None}

    def output(self, name: str) -> str | Missing | None:
        """A node's output; None: it has none. Raises `ElError` for one that can't be had."""
        fact = NodeOutput(name)
        known = {**facts_of(self._run.facts), **self._given}
        if fact not in known:
            return self._needs(frozenset({fact}))
        found = known[fact]
        return None if found is None else str(found)

    def text(self, text: str) -> str | Missing:
        """Any text with its parameters and expressions replaced. Raises `ElError`."""
        return self._text(text)

    def condition(self, text: str) -> bool | Missing:
        """Whether a line's condition holds. Raises `ElError`."""
        answer = self._text(text)
        return answer if isinstance(answer, Missing) else answer.strip().lower() == "true"

    def _needs(self, facts: frozenset[Fact]) -> Missing:
        """Raises `ElError` once a look-up has failed: asking again would end the same way."""
        if self._run.look_up_failure is not None:
            raise ElError(ErrorKind.NOT_AVAILABLE, self._run.look_up_failure)
        return Missing(facts)

    def resolve(self) -> Resolved | Missing:
        """Everything the node is given. Raises `ElError`."""
        properties: dict[str, str] = {}
        missing: set[Fact] = set()
        for name, value in self._node.properties.items():
            if name.lower() in UNSCANNED:
                properties[name] = value
                continue
            answer = self._text(value)
            if isinstance(answer, Missing):
                missing |= answer.facts
            else:
                properties[name] = answer
        if missing:
            return Missing(frozenset(missing))
        script = self._script(properties)
        if isinstance(script, Missing):
            return script
        try:
            parameters = self._all_parameters()
        except _FactsMissing as request:
            return Missing(request.facts)
        return Resolved(properties=properties, script=script, parameters=parameters)

    def names(self) -> list[str]:
        return [*self._own, *(name for name in self._overrides if name not in self._own)]

    def value(self, name: str) -> str | None:
        """The parameter's value for this run; None if it is defined nowhere."""
        if name in self._overrides:
            return self._noted(self._overrides[name])
        return self._own_value(name)

    def _own_value(self, name: str) -> str | None:
        own = self._own.get(name)
        if own == MASK and name in self._plan.job.masked:
            raise ElError(
                ErrorKind.NOT_AVAILABLE,
                f"the masked parameter '{name}' has no value here",
                hint="save the job with one, or give one to the run",
            )
        return self._evaluated("job parameter", name, own)

    def extracted(self, name: str) -> str | None:
        """What a node before this one gives under that name: a REST node out of its answer, an Assignment its value.
        None: nothing of that name. What was not there to be taken is empty."""
        position, path = self._plan.job.extractions.get(name, (-1, ""))
        if position not in self._before:
            return None
        if not path:
            return self._runs[position].value or ""
        key = ("extracted value", name)
        if key not in self._known and self._runs[position].output is None:
            return ""
        node = quoted(self._runs[position].name)
        return self._evaluated(*key, f"#{{JSONUtil.path(Job.getNodeOutput({node}),{quoted(path)})}}")

    @cached_property
    def _before(self) -> frozenset[int]:
        """Positions of the nodes from which lines lead here."""
        found: set[int] = set()
        work = list(self._node.predecessors)
        while work:
            index = work.pop()
            if index not in found:
                found.add(index)
                work += self._plan.job.nodes[index].predecessors
        return frozenset(found)

    @cached_property
    def _simple(self) -> SimpleVariables | None:
        instance = self._instance
        if not instance.rules.simple_variables:
            return None
        return SimpleVariables(
            plan_time_ms=instance.plan_time_ms,
            time_zone=instance.time_zone,
            job_id=str(instance.job_id),
            instance_id=str(instance.id),
        )

    def _noted(self, value: str) -> str:
        if holds_sealed(value):
            self._inserted.update(sealed_parts(value))
        return value

    def _checked(self, answer: Evaluated | Missing) -> Evaluated | Missing:
        """Raises `ElError` where an expression has swallowed a sealed value instead of passing it on."""
        if isinstance(answer, Evaluated) and any(each not in answer.text for each in self._inserted):
            raise ElError(
                ErrorKind.NOT_AVAILABLE,
                "an expression can't look into a masked parameter, only pass it on as it is",
                hint="insert it by itself, or compare it in a node",
            )
        return answer

    def _defined(self, name: str) -> str | None:
        """What `Job.getParam` sees in a child: its own definition, never a value that its parent handed over."""
        return self._own_value(name)

    def variable(self, name: str) -> str | None:
        """The environment variable's value; None if there is none of that name."""
        return self._evaluated("environment variable", name, self._instance.environment.get(name))

    def _evaluated(self, what: str, name: str, text: str | None) -> str | None:
        """A definition's text with its expressions evaluated."""
        if text is None:
            return None
        simple = self._simple
        if "#{" not in text and (simple is None or "$" not in text):
            return self._noted(text)
        key = (what, name)
        if key in self._known:
            return self._noted(self._known[key])
        if key in self._under_way:
            raise ElError(ErrorKind.NOT_AVAILABLE, f"The {what} {name!r} is defined by itself.")
        self._under_way.add(key)
        outside, self._inserted = self._inserted, set()
        try:
            if simple is None:
                answer = evaluate_template(parse_template(text), self._scope)
            else:
                answer = resolve(text, {}, self._scope, simple=simple)
            self._checked(answer)
        finally:
            self._under_way.discard(key)
            self._inserted = outside
        if isinstance(answer, Missing):
            raise _FactsMissing(self._needs(answer.facts).facts)
        self._known[key] = answer.text
        return self._noted(answer.text)

    def evaluate(self, text: str) -> Evaluated | Missing:
        """Any text, with the value's type and (with `trace`) its steps. Raises `ElError`."""
        self._inserted.clear()
        try:
            return self._checked(resolve(text, self._values, self._scope, prefix=self._prefix, simple=self._simple))
        except _FactsMissing as request:
            return Missing(request.facts)

    def _text(self, text: str, values: Mapping[str, str] | None = None) -> str | Missing:
        if "#{" not in text and "${" not in text and (self._simple is None or "$" not in text):
            return text
        self._inserted.clear()
        try:
            answer = self._checked(
                resolve(
                    text,
                    self._values if values is None else values,
                    self._scope,
                    prefix=self._prefix,
                    simple=self._simple,
                )
            )
        except _FactsMissing as request:
            return Missing(request.facts)
        return self._needs(answer.facts) if isinstance(answer, Missing) else answer.text

    def _script(self, properties: Mapping[str, str]) -> Script | Missing | None:
        script = self._plan.scripts.get(self._node.properties.get("scriptName", ""))
        if script is None or properties.get("statementOrScript", "").lower() == "statement":
            return None
        arguments = read_arguments(properties.get("scriptArgs", ""))
        values = _Values(*self._sources, (arguments.get, arguments), prefix=self._prefix)
        texts: list[str] = []
        missing: set[Fact] = set()
        for piece in whole_expressions(script.text, prefix=self._prefix, simple=self._simple):
            answer = self._text(piece, values)
            if isinstance(answer, Missing):
                missing |= answer.facts
            else:
                texts.append(answer)
        return Missing(frozenset(missing)) if missing else msgspec.structs.replace(script, text="".join(texts))

    def _all_parameters(self) -> dict[str, str]:
        """For a program's environment. One that can't be evaluated and isn't used must not fail the node."""
        parameters: dict[str, str] = {}
        for name in self.names():
            try:
                value = self.value(name)
            except ElError:
                continue
            if value is not None:
                parameters[name] = value
        return parameters


_Source = tuple[Callable[[str], str | None], Iterable[str]]
"""How to find out a value, and which names there are."""


class _Values(Mapping[str, str]):
    """Values by name, each worked out when it is asked for. The first source that knows a name counts."""

    def __init__(self, *sources: _Source, prefix: str = "") -> None:
        """`prefix`: what names may begin with in the sources, while they are asked for without it."""
        self._sources = sources
        self._prefix = prefix

    def __getitem__(self, name: str) -> str:
        for find, _ in self._sources:
            value = find(self._prefix + name) if self._prefix else None
            if value is None:
                value = find(name)
            if value is not None:
                return value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self[name] is not None
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for _, names in self._sources for name in names))

    def __len__(self) -> int:
        return len(list(iter(self)))


def quoted(text: str) -> str:
    """As a text of the expression language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_arguments(text: str) -> dict[str, str]:
    """`scriptArgs`: one `name=value` a line; a line without `=` is ignored."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _node_status(runs: list[NodeRun]) -> dict[str, str]:
    """What `Job.getNodeStatus` may answer: the documents know success and fail only."""
    return {run.name: run.status.value for run in runs if run.status in (NodeStatus.SUCCESS, NodeStatus.FAIL)}
