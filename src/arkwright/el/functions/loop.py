"""``Loop``: the rows that a For Each node goes through. Exists only in the parameters of such a node."""

from __future__ import annotations

from typing import Final

from arkwright.el.context import Context
from arkwright.el.errors import ElError, ErrorKind
from arkwright.el.functions.signature import BuiltIn
from arkwright.el.scope import LoopScope
from arkwright.el.values import Integer


def _loop(context: Context) -> LoopScope:
    if context.scope.loop is None:
        hint = "Loop works in the subjob parameters of a For Each node"
        raise ElError(ErrorKind.NOT_AVAILABLE, "there is no loop here", hint=hint)
    return context.scope.loop


def _data_array(context: Context) -> object:
    return [list(row) for row in _loop(context).data_array]


def _current(context: Context) -> object:
    return list(_loop(context).current)


def _offset(context: Context) -> object:
    return Integer(_loop(context).offset)


LOOP: Final = BuiltIn(name="Loop", properties={"dataArray": _data_array, "current": _current, "offset": _offset})
