"""Where sealed values stand in what is stored: who seals something says here, or in its own module, how it is found.

A finder is given a row that may hold sealed values and answers those of its own kind. One value is found by one finder.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from arkwright.core.masking import sealed_parts
from arkwright.engine.connections import SEALED, bound_to
from arkwright.engine.vault import parameters_bound_to
from arkwright.store.base import Kind
from arkwright.store.sealed_record import SealedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedText:
    """A sealed value in a text."""

    bound_to: str
    text: str
    """As it stands there: base64."""
    url_safe: bool = False
    """In the other alphabet, and without padding."""

    @property
    def sealed(self) -> bytes:
        """Raises `ValueError` if it is no base64."""
        try:
            if self.url_safe:
                return base64.urlsafe_b64decode(self.text + "=" * (-len(self.text) % 4))
            return base64.b64decode(self.text, validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from None

    def written(self, sealed: bytes) -> str:
        """Another sealed value in the same form."""
        if self.url_safe:
            return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        return base64.b64encode(sealed).decode()


Finder = Callable[[SealedRow], Iterator[SealedText]]


def masked_parameters(row: SealedRow) -> Iterator[SealedText]:
    """In whatever text of a workspace: jobs, instances, their history, what is on its way."""
    if row.place is None or not isinstance(row.value, str):
        return
    for part in dict.fromkeys(sealed_parts(row.value)):
        code = part.rstrip(":").rpartition(":")[2]
        yield SealedText(bound_to=parameters_bound_to(row.place.workspace_id), text=code, url_safe=True)


def connections(row: SealedRow) -> Iterator[SealedText]:
    """Of a definition of any kind: packages and the like may hold a connection's document."""
    if row.table != "definition_version" or row.place is None or SEALED not in str(row.value):
        return
    for each in objects_in(msgspec.json.decode(row.value)):
        config, name = each.get("config"), each.get("name")
        if isinstance(config, dict) and isinstance(name, str):
            for key, value in config.items():
                if isinstance(value, dict) and isinstance(value.get(SEALED), str):
                    yield SealedText(bound_to=bound_to(row.place, name, key), text=value[SEALED])


def access_keys(row: SealedRow) -> Iterator[SealedText]:
    if row.table == "identity":
        found = msgspec.json.decode(row.value)
        if "sealed_secret" in found:
            yield SealedText(bound_to=found["access_key"], text=found["sealed_secret"])


def is_definition(row: SealedRow, kind: Kind) -> bool:
    return row.table == "definition_version" and row.name == kind.value


def objects_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a JSON value."""
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            yield each
            todo.extend(each.values())
        elif isinstance(each, list):
            todo.extend(each)
