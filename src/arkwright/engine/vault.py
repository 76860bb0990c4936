"""Seals masked values where they come in, and opens them where a node is handed over (`core/masking.py`).

A sealed value is bound to its workspace: it opens nowhere else. Nothing that was opened stays in memory here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from arkwright.core.commands import StartAttempt
from arkwright.core.masking import MASK, holds_sealed, is_masked, is_sealed, opened, sealed_form
from arkwright.errors import SettingInvalid
from arkwright.iam.sealing import Sealer
from arkwright.nodes.base import SCRIPT_TEXT


class Vault:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, workspace_id: str, value: str) -> str:
        """The sealed form; of one that is sealed already itself."""
        if is_sealed(value):
            return value
        code = self._sealer.seal(parameters_bound_to(workspace_id), value)
        return sealed_form(base64.urlsafe_b64encode(code).rstrip(b"=").decode())

    def seal_named(self, workspace_id: str, values: Mapping[str, str], masked: Iterable[str]) -> Mapping[str, str]:
        """Values given for a run, those of masked parameters sealed."""
        wanted = [name for name in masked if name in values]
        if not wanted:
            return values
        return {**values, **{name: self.seal(workspace_id, values[name]) for name in wanted}}

    def seal_document(
        self, workspace_id: str, document: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """A job's document as it is stored. `before`: the one it replaces, whose values stay where a mask came back;
        a mask that replaces nothing stays one, and a run without a value of its own is refused."""
        given = document.get("params")
        if not isinstance(given, list) or not any(is_masked(each) for each in given):
            return document
        known = {each.get("name"): each.get("value") for each in (before or {}).get("params") or () if is_masked(each)}
        stored: list[Any] = []
        for each in given:
            if is_masked(each):
                value = str(each.get("value") or "")
                if value == MASK:
                    value = str(known.get(each.get("name")) or MASK)
                each = {**each, "masked": True, "value": value if value == MASK else self.seal(workspace_id, value)}
            stored.append(each)
        return {**document, "params": stored}

    def open(self, workspace_id: str, text: str, secrets: list[str]) -> str:
        """The text with its secrets, which are added to `secrets`. Raises `SettingInvalid` with a wrong key file."""

        def one(code: str) -> str:
            try:
                sealed = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
                secret = self._sealer.unsealed(parameters_bound_to(workspace_id), sealed).decode()
            except (SettingInvalid, binascii.Error, ValueError):
                raise SettingInvalid(
                    "A masked parameter can't be opened: it was sealed with another key, or in another workspace.",
                    hint="Put the installation's own key file back, or save the parameter's value again.",
                ) from None
            if secret not in secrets:
                secrets.append(secret)
            return secret

        return opened(text, one)


def parameters_bound_to(workspace_id: str) -> str:
    return f"parameter {workspace_id}"


class OpenedTexts:
    """A node's texts with their secrets, as its executor gets them."""

    def __init__(self, vault: Vault | None, workspace_id: str, command: StartAttempt) -> None:
        """Raises `SettingInvalid`."""
        self.properties = command.properties
        self.script = command.script
        self.parameters = command.parameters
        self.secrets: tuple[str, ...] = ()
        self.places: frozenset[str] = frozenset()
        # Every sealed value comes from a parameter, so most commands are done with here.
        if not any(holds_sealed(value) for value in command.parameters.values()) and not _elsewhere(command):
            return
        if vault is None:
            raise SettingInvalid("Masked parameters can't be opened here: there is no key file.")
        found: list[str] = []

        def open_(text: str) -> str:
            return vault.open(workspace_id, text, found)

        places = {name for name, value in command.properties.items() if holds_sealed(value)}
        self.properties = {name: open_(value) for name, value in command.properties.items()}
        self.parameters = {name: open_(value) for name, value in command.parameters.items()}
        if command.script is not None and holds_sealed(command.script.text):
            places.add(SCRIPT_TEXT)
            self.script = msgspec.structs.replace(command.script, text=open_(command.script.text))
        self.secrets, self.places = tuple(found), frozenset(places)


def _elsewhere(command: StartAttempt) -> bool:
    """A value that a parent handed over, or an environment variable, is in no parameter of the job."""
    text = "" if command.script is None else command.script.text
    return any(holds_sealed(value) for value in command.properties.values()) or holds_sealed(text)
