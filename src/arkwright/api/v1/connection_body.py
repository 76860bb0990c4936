"""The body of a connection: its fields, the keys that each type needs, and its secrets (factory-api 3).

Rules: secrets are sealed with the installation's key before they are stored, each bound to its workspace, connection
and key, and are never answered: a mask stands in their place. A mask that comes back leaves the secret as it is.
`kmsKey` and `agentName` mean nothing here; they are kept and never demanded. Unknown keys and fields are kept. A HOST
may have a private key in the place of the password that the documents demand (ours).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arkwright.api.error_codes import CLUSTER_NEEDED
from arkwright.api.errors import HttpRefusal
from arkwright.api.v1.fields import object_, renamed, text, wrong
from arkwright.core.job_document import canonical_type
from arkwright.engine.connections import SEALED, bound_to, is_sealed
from arkwright.errors import InvalidInput
from arkwright.iam.sealing import Sealer
from arkwright.nodes.ssh_program import PRIVATE_KEY
from arkwright.store.base import Place

MASK = "******"
MAX_VALUE = 4096

TYPES = ("DWS", "DLI", "SparkSQL", "HIVE", "RDS", "CloudTable", "HOST", "KAFKA")
_KNOWN = {canonical_type(each): each for each in TYPES} | {
    "mrshive": "HIVE",
    "hivesql": "HIVE",
    "mrskafka": "KAFKA",
    "dmskafka": "KAFKA",
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "DWS": ("userName", "password", "sslEnable"),
    "DLI": (),
    "SparkSQL": ("clusterName", "connectionMethod"),
    "HIVE": ("clusterName", "connectionMethod"),
    "RDS": ("ip", "port", "userName", "password", "driverName", "driverPath"),
    "CloudTable": ("clusterName",),
    "HOST": ("ip", "port", "userName"),
    "KAFKA": (),
}
_METHODS = ("agent", "direct")
_DRIVERS = ("com.mysql.jdbc.Driver", "org.postgresql.Driver")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SECRET = re.compile(r"password|passwd|passphrase|secret|token|credential|privatekey|accesskey|pwd$|^key$|^keyfile$")
_NOT_STORED = ("id", "createTime", "createUser")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBody:
    """A connection that may be saved, with its secrets still to be sealed."""

    name: str
    type: str
    """In the spelling that was sent."""
    document: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        return _KNOWN[canonical_type(self.type)]

    @property
    def config(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document.get("config") or {}
        return found

    @property
    def cluster(self) -> str:
        return str(self.config.get("clusterName") or "")


def canonical(type_name: str) -> str:
    """The documents' name of a stored type."""
    return _KNOWN.get(canonical_type(type_name), type_name)


def is_secret(key: str) -> bool:
    return _SECRET.search(_plain(key)) is not None


def _plain(key: str) -> str:
    return key.translate(str.maketrans("", "", "-_. ")).lower()


def read_connection_body(document: Mapping[str, Any], *, secrets_needed: bool = True) -> ConnectionBody:
    """Raises `InvalidInput`, or `HttpRefusal` with the code of the rule that is broken. An imported connection brings
    no secrets, so they need not be there."""
    document = renamed(dict(document), {"connectionType": "type"})
    name = document.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong("name", "must be 1 to 100 letters, digits, hyphens and underscores", name)
    type_name = document.get("type")
    if not isinstance(type_name, str) or canonical_type(type_name) not in _KNOWN:
        raise wrong("type", f"must be one of {', '.join(TYPES)}", type_name)
    text(document.get("description"), "description", 255)
    config = object_(document.get("config"), "config")
    for key, value in config.items():
        if value is not None and not isinstance(value, str | bool | int | float):
            raise wrong(f"config.{key}", "must be a text", value)
        if len(str(value)) > MAX_VALUE:
            raise InvalidInput(f"config.{key} must have at most {MAX_VALUE} characters.", field=f"config.{key}")
    _check_config(_KNOWN[canonical_type(type_name)], config, secrets_needed)
    stored = {key: value for key, value in document.items() if key not in _NOT_STORED}
    return ConnectionBody(name=name, type=type_name, document=stored)


def _check_config(kind: str, config: Mapping[str, Any], secrets_needed: bool) -> None:
    needed = list(_NEEDED[kind])
    method = config.get("connectionMethod")
    if kind in {"SparkSQL", "HIVE"} and method not in (None, ""):
        if method not in _METHODS:
            raise wrong("config.connectionMethod", f"must be {' or '.join(_METHODS)}", method)
        if method == "agent":
            needed += ["userName", "password"]
    if kind == "DWS" and _empty(config, "clusterName") and (_empty(config, "ip") or _empty(config, "port")):
        raise HttpRefusal(CLUSTER_NEEDED, hint="Set config.clusterName, or config.ip and config.port.")
    instead = ""
    if kind == "HOST" and not any(_plain(key) in PRIVATE_KEY and not _empty(config, key) for key in config):
        needed.append("password")
        instead = ", or a privateKey in the place of a password"
    for key in needed:
        if _empty(config, key) and (secrets_needed or not is_secret(key)):
            raise InvalidInput(
                f"config.{key} is missing.",
                field=f"config.{key}",
                hint=f"A connection of type {kind} needs it{instead}.",
            )
    if not _empty(config, "port") and not (str(config["port"]).isdigit() and 0 < int(config["port"]) < 65536):
        raise wrong("config.port", "must be a number from 1 to 65535", config["port"])
    driver = config.get("driverName")
    if kind == "RDS" and driver not in _DRIVERS:
        raise wrong("config.driverName", f"must be one of {', '.join(_DRIVERS)}", driver)


def _empty(config: Mapping[str, Any], key: str) -> bool:
    return config.get(key) in (None, "")


# ---------------------------------------------------------------- secrets


def sealed(body: ConnectionBody, place: Place, sealer: Sealer, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document to store. `before`: the stored one that it replaces, whose secrets stay where a mask came back."""
    known = (before or {}).get("config") or {}
    document = dict(body.document)
    if document.get("config") is None:
        return document
    config: dict[str, Any] = {}
    for key, value in body.config.items():
        if not is_secret(key) or value in (None, ""):
            config[key] = value
        elif value == MASK and is_sealed(known.get(key)):
            config[key] = known[key]
        else:
            secret = sealer.seal(bound_to(place, body.name, key), str(value))
            config[key] = {SEALED: base64.b64encode(secret).decode()}
    document["config"] = config
    return document


def masked(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it may be answered."""
    return {
        key: MASK if is_sealed(value) or (is_secret(key) and value not in (None, "")) else value
        for key, value in config.items()
    }


def without_secrets(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it may leave in a file."""
    return {key: value for key, value in config.items() if not is_secret(key) and not is_sealed(value)}


def secrets_kept(body: ConnectionBody, before: Mapping[str, Any]) -> ConnectionBody:
    """An imported connection that replaces a stored one keeps the secrets that the file could not bring."""
    known = before.get("config") or {}
    kept = {key: MASK for key, value in known.items() if is_sealed(value) and key not in body.config}
    document = {**body.document, "config": {**body.config, **kept}} if kept else body.document
    return ConnectionBody(name=body.name, type=body.type, document=document)
