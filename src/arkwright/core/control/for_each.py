"""For Each: the node runs another job once per row of a dataset, some of them at a time (factory-behaviour 3.3).

Rules: the dataset and every row's parameters are worked out before the first child starts, so a mistake in one of them
starts nothing. `Loop` stands for the row that a child is for. A child is called `<node>_<suffix>`; without a suffix
its row's number stands there.
"""

from __future__ import annotations

from arkwright.core.control.children import ChildRequest
from arkwright.core.control.dataset import MAX_ROWS, DatasetWrong, read_dataset
from arkwright.core.control.reading import CONCURRENCY, DATASET, SUFFIX, SettingWrong, job_name, parameters, setting
from arkwright.core.control.work import TextOf, Wanted, missing_of
from arkwright.core.job import Node
from arkwright.el import Fact, LoopScope, Missing

MAX_CHARACTERS = 20_000_000
"""Of all children's parameters together: they are kept until the node has ended."""


def wanted(node: Node, text_of: TextOf) -> Wanted | Missing:
    """Raises `SettingWrong` and `ElError`."""
    name = job_name(node)
    values = parameters(node)
    if not setting(node, DATASET):
        raise SettingWrong(f"The node {node.name!r} has no rows to go through: give the property {DATASET[0]}.")
    dataset = text_of(setting(node, DATASET), None)
    concurrency = text_of(setting(node, CONCURRENCY) or "1", None)
    if not isinstance(dataset, str) or not isinstance(concurrency, str):
        missing = missing_of((dataset, concurrency))
        assert missing is not None
        return missing
    at_a_time = _number(node, concurrency)
    try:
        rows = read_dataset(dataset)
    except DatasetWrong as error:
        raise SettingWrong(f"{error} It belongs to node {node.name!r}.") from error
    suffix = setting(node, SUFFIX)
    fixed = {each: text_of(text, None) for each, text in values.items() if "Loop" not in text}
    requests: list[ChildRequest] = []
    asked = missing_of(fixed.values())
    facts: set[Fact] = set() if asked is None else set(asked.facts)
    characters = 0
    for offset, row in enumerate(rows):
        loop = LoopScope(data_array=rows, current=row, offset=offset)
        found = {each: fixed[each] if each in fixed else text_of(text, loop) for each, text in values.items()}
        ending = text_of(suffix, loop) if suffix else str(offset)
        missing = missing_of((*found.values(), ending))
        if missing is not None:
            facts |= missing.facts
            continue
        given = {each: value for each, value in found.items() if isinstance(value, str)}
        characters += sum(map(len, given.values()))
        if characters > MAX_CHARACTERS:
            raise SettingWrong(
                f"The parameters that node {node.name!r} hands to its children have more than {MAX_CHARACTERS:,} "
                "characters: hand over fewer, or shorter ones (#{Loop.dataArray} is the whole dataset)."
            )
        requests.append(ChildRequest(row=offset, name=f"{node.name}_{ending}", parameters=given))
    if facts:
        return Missing(frozenset(facts))
    return Wanted(job_name=name, concurrency=at_a_time, requests=tuple(requests))


def _number(node: Node, text: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 7 and int(plain) >= 1):
        raise SettingWrong(
            f"The property {CONCURRENCY[0]} of node {node.name!r} must be a whole number from 1, not {plain[:60]!r}."
        )
    return min(int(plain), MAX_ROWS)
