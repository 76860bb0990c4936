"""Topics: whom a workspace's notices go to. A mail topic has addresses, a webhook a URL and a secret, a chat a URL.

Rules: what lets somebody write to a place (a URL of a webhook or chat, a secret) is sealed when it is stored and never
answered again; a mask that comes back keeps what is stored. Who may name a URL may not make the server call its own
house: webhooks go through the fence of the RESTAPI node, and of chat services only those are taken that have one
address in the world, unless the operator of the server allows more.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from arkwright.engine.sealed_values import SealedText, is_definition
from arkwright.errors import InvalidInput
from arkwright.iam.sealing import Sealer
from arkwright.store.base import Kind, Place
from arkwright.store.sealed_record import SealedRow

MAIL, WEBHOOK, CHAT = "mail", "webhook", "chat"
KINDS = (MAIL, WEBHOOK, CHAT)
MASK = "******"
MOST_ADDRESSES = 50

FIXED_SERVICES = frozenset(
    {
        *("slack", "discord", "tgram", "msteams", "gchat", "wxteams", "feishu"),
        *("lark", "dingtalk", "wecombot", "pagerduty", "opsgenie", "pover"),
    }
)
"""Schemes of Apprise whose host is the vendor's, so that a URL can't lead into the house."""

_SEALED = "sealed"
_NAME = re.compile(r"[A-Za-z0-9_.\-\u3400-\u4dbf\u4e00-\u9fff]{1,128}")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_SCHEME = re.compile(r"([a-z][a-z0-9]*)://\S+", re.IGNORECASE)
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")
_FIELDS = {MAIL: {"addresses"}, WEBHOOK: {"url", "secret"}, CHAT: {"url"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic with its secrets, for who sends."""

    name: str
    kind: str
    addresses: tuple[str, ...] = ()
    url: str = ""
    secret: str = ""


def checked(given: Mapping[str, Any], *, services: frozenset[str] = FIXED_SERVICES) -> dict[str, Any]:
    """The document of a topic. Raises `InvalidInput` naming the field."""
    name, kind = given.get("name"), given.get("kind")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            "name must have 1 to 128 letters, digits, Chinese characters, dots, hyphens and underscores.", field="name"
        )
    if kind not in KINDS:
        raise InvalidInput(f"kind must be one of {', '.join(KINDS)}.", field="kind")
    unknown = sorted(set(given) - {"name", "kind"} - _FIELDS[kind])
    if unknown:
        allowed = ", ".join(sorted(_FIELDS[kind]))
        raise InvalidInput(
            f"A topic of kind {kind} has no {unknown[0][:64]!r}.", field=unknown[0], hint=f"It has {allowed}."
        )
    document: dict[str, Any] = {"name": name, "kind": kind}
    if kind == MAIL:
        document["addresses"] = _addresses(given.get("addresses"))
    elif kind == WEBHOOK:
        document["url"] = _webhook_url(given.get("url"))
        document["secret"] = _secret(given.get("secret"))
    else:
        document["url"] = _chat_url(given.get("url"), services)
    return document


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _addresses(given: Any) -> list[str]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_ADDRESSES:
        raise InvalidInput(f"addresses must be a list of 1 to {MOST_ADDRESSES} mail addresses.", field="addresses")
    for index, each in enumerate(given):
        if not isinstance(each, str) or not _ADDRESS.fullmatch(each) or ".." in each:
            raise InvalidInput(
                f"addresses[{index}] must be a mail address such as ops@example.org.", field=f"addresses[{index}]"
            )
    return list(dict.fromkeys(given))


def _webhook_url(given: Any) -> str:
    rule = "url must be http://… or https://… with a host, without blanks, user name or password."
    if given == MASK:
        return MASK
    if not isinstance(given, str) or len(given) > 2000 or any(ord(letter) <= 32 for letter in given):
        raise InvalidInput(rule, field="url")
    try:
        parts = urlsplit(given)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc:
        raise InvalidInput(rule, field="url")
    return given


def _secret(given: Any) -> str:
    if given in (None, ""):
        return new_secret()
    if given == MASK:
        return MASK
    if not isinstance(given, str) or not _SECRET.fullmatch(given):
        raise InvalidInput(
            "secret must be whsec_ and 24 to 64 bytes in base64.", field="secret", hint="Leave it out: one is made."
        )
    return given


def _chat_url(given: Any, services: frozenset[str]) -> str:
    if given == MASK:
        return MASK
    found = _SCHEME.fullmatch(given) if isinstance(given, str) and len(given) <= 2000 else None
    if found is None:
        raise InvalidInput("url must be the address of a chat as Apprise writes it: slack://…", field="url")
    if found[1].lower() not in services:
        raise InvalidInput(
            f"url is for {found[1]!r}, which is not allowed here.",
            field="url",
            hint=f"Allowed: {', '.join(sorted(services))}; the operator's setting ARKWRIGHT_CHAT_SERVICES adds more.",
        )
    return str(given)


# ---------------------------------------------------------------- secrets


def sealed(
    document: Mapping[str, Any], place: Place, sealer: Sealer, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """As it is stored. `before`: the stored one that it replaces, of which a mask keeps the secret."""
    stored = dict(document)
    for key in ("url", "secret"):
        value = document.get(key)
        if value is None:
            continue
        if value == MASK:
            known = (before or {}).get(key)
            if not isinstance(known, Mapping):
                raise InvalidInput(f"{key} is a mask, and nothing is stored that it could stand for.", field=key)
            stored[key] = known
        else:
            secret = sealer.seal(_bound_to(place, str(document["name"]), key), str(value))
            stored[key] = {_SEALED: base64.b64encode(secret).decode(), "shown": _shown(key, str(value))}
    return stored


def masked(stored: Mapping[str, Any]) -> dict[str, Any]:
    """As it may be answered: of a URL its scheme and, of a webhook, its host."""
    answer = dict(stored)
    for key in ("url", "secret"):
        if isinstance(stored.get(key), Mapping):
            answer[key] = MASK
            if shown := stored[key].get("shown"):
                answer["target"] = shown
    return answer


def unsealed(stored: Mapping[str, Any], place: Place, sealer: Sealer) -> Topic:
    """For who sends. Raises `SettingInvalid` with a wrong key file."""
    name = str(stored["name"])

    def opened(key: str) -> str:
        value = stored.get(key)
        if not isinstance(value, Mapping):
            return ""
        return sealer.unsealed(_bound_to(place, name, key), base64.b64decode(value[_SEALED])).decode()

    return Topic(
        name=name,
        kind=str(stored["kind"]),
        addresses=tuple(stored.get("addresses") or ()),
        url=opened("url"),
        secret=opened("secret"),
    )


def sealed_secrets(row: SealedRow) -> Iterator[SealedText]:
    """Those of a stored topic, for who gives them another key."""
    if is_definition(row, Kind.ALERT_TOPIC) and row.place is not None:
        stored = msgspec.json.decode(row.value)
        for key in ("url", "secret"):
            if isinstance(stored.get(key), dict):
                bound_to = _bound_to(row.place, str(stored["name"]), key)
                yield SealedText(bound_to=bound_to, text=stored[key][_SEALED])


def _shown(key: str, value: str) -> str:
    if key == "secret":
        return ""
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.hostname}/…" if parts.scheme in ("http", "https") else f"{parts.scheme}://…"


def _bound_to(place: Place, name: str, key: str) -> str:
    return f"topic {place.workspace_id}/{name}/{key}"
