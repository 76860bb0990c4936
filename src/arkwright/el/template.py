"""Texts with ``#{...}`` and ``${...}`` (being built)."""

from __future__ import annotations

from collections.abc import Mapping

from arkwright.el.scope import Evaluated, Missing, Scope


class Template:
    """A parsed text."""


def parse_template(text: str) -> Template:
    raise NotImplementedError


def evaluate_template(template: Template, scope: Scope) -> Evaluated | Missing:
    raise NotImplementedError


def evaluate_expression(text: str, scope: Scope) -> Evaluated | Missing:
    raise NotImplementedError


def substitute(text: str, values: Mapping[str, str], *, prefix: str = "") -> str:
    raise NotImplementedError


def references(text: str, prefix: str = "") -> tuple[str, ...]:
    raise NotImplementedError


def resolve(text: str, values: Mapping[str, str], scope: Scope, *, prefix: str = "") -> Evaluated | Missing:
    raise NotImplementedError
