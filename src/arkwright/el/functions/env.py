"""``Env``: the environment variables of the workspace."""

from __future__ import annotations

from typing import Final

from arkwright.el.context import Context
from arkwright.el.functions.signature import BuiltIn, Kind, method, table


def _get(context: Context, name: str) -> str | None:
    return context.scope.environment.get(name)


ENV: Final = BuiltIn(name="Env", methods=table(method("get", Kind.NEEDED_TEXT, run=_get)))
