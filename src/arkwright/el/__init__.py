"""The expression language of jobs: ``#{...}`` and ``${...}`` in texts.

Pure: the same text and the same ``Scope`` always give the same answer, whatever the clock says. Start with
``resolve`` (parameters and expressions in one go), ``evaluate_template`` or ``evaluate_expression``; they answer
``Evaluated``, or ``Missing`` with the facts to fetch first, or raise ``ElError``. ``docs/reference/expressions.md``
describes the language.
"""

from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.scope import (
    Calendar,
    ClockNow,
    Evaluated,
    Fact,
    InsertJobId,
    Limits,
    LoopScope,
    Missing,
    NodeOutput,
    ObsPathExists,
    RunningData,
    Scope,
    Step,
    WorkCalendar,
)
from arkwright.el.simple_variables import SimpleVariables
from arkwright.el.template import (
    Template,
    evaluate_expression,
    evaluate_template,
    parse_template,
    references,
    resolve,
    substitute,
    whole_expressions,
)
from arkwright.el.values import Date, Integer

__all__ = [
    "Calendar",
    "ClockNow",
    "Date",
    "ElError",
    "ErrorKind",
    "Evaluated",
    "Fact",
    "InsertJobId",
    "Integer",
    "Limits",
    "LoopScope",
    "Missing",
    "NodeOutput",
    "ObsPathExists",
    "RunningData",
    "Scope",
    "SimpleVariables",
    "Step",
    "Template",
    "WorkCalendar",
    "evaluate_expression",
    "evaluate_template",
    "parse_template",
    "references",
    "resolve",
    "substitute",
    "whole_expressions",
]
