"""How to reach a Kafka cluster: what a stored connection of type KAFKA (or MRS Kafka) says, for the client library.

Keys of its configuration: `bootstrapServers` (also `brokers`, or `ip` and `port`), `securityProtocol` (PLAINTEXT, SSL,
SASL_PLAINTEXT, SASL_SSL), `saslMechanism` (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), `userName`, `password`,
`caCertificate` (PEM text; none: the machine's own authorities). Kerberos is refused: it needs files of the machine.
"""

from __future__ import annotations

import importlib.util
import ssl
from collections.abc import Mapping
from typing import Any

from arkwright.core.job_document import canonical_type
from arkwright.errors import InvalidInput

TYPES = frozenset({"kafka", "mrskafka", "dmskafka"})
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_SERVERS = ("bootstrapServers", "bootstrap_servers", "bootstrap.servers", "brokers", "brokerList", "kafkaBrokers")


def is_kafka(type_name: str) -> bool:
    return canonical_type(type_name) in TYPES


def library_missing() -> str | None:
    """What to say where the client library is not installed."""
    if importlib.util.find_spec("aiokafka") is not None:
        return None
    return "The Kafka client is not installed here: pip install 'arkwright[kafka]' on the server, and start it again."


def client_settings(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of the library's clients. Raises `InvalidInput`."""
    protocol = _choice(name, config, "securityProtocol", PROTOCOLS)
    settings: dict[str, Any] = {"bootstrap_servers": _servers(name, config), "security_protocol": protocol}
    if protocol.startswith("SASL"):
        settings["sasl_mechanism"] = _choice(name, config, "saslMechanism", MECHANISMS)
        settings["sasl_plain_username"] = _needed(name, config, "userName")
        settings["sasl_plain_password"] = _needed(name, config, "password")
    if protocol.endswith("SSL"):
        settings["ssl_context"] = _tls(name, config)
    return settings


def _servers(name: str, config: Mapping[str, Any]) -> list[str]:
    given = next((str(config[key]) for key in _SERVERS if config.get(key)), "")
    if not given and config.get("ip"):
        given = f"{config['ip']}:{config.get('port') or 9092}"
    servers = [each.strip() for each in given.split(",") if each.strip()]
    if not servers:
        raise InvalidInput(
            f"The connection {name} names no Kafka servers.",
            field="config.bootstrapServers",
            hint="Set config.bootstrapServers to host:port, several with commas between them.",
        )
    for each in servers:
        host, _, port = each.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise InvalidInput(
                f"The connection {name} has the Kafka server {each!r}; it must be host:port.",
                field="config.bootstrapServers",
            )
    return servers


def _choice(name: str, config: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    given = str(config.get(key) or allowed[0]).upper().replace("_SHA_", "-SHA-")
    if given not in allowed:
        raise InvalidInput(
            f"The connection {name} has {key} {given}; it must be one of {', '.join(allowed)}.",
            field=f"config.{key}",
            hint="Kerberos (GSSAPI) is not supported: give the cluster a listener with SASL/SCRAM or TLS.",
        )
    return given


def _needed(name: str, config: Mapping[str, Any], key: str) -> str:
    if not config.get(key):
        raise InvalidInput(f"The connection {name} needs config.{key} for SASL.", field=f"config.{key}")
    return str(config[key])


def _tls(name: str, config: Mapping[str, Any]) -> ssl.SSLContext:
    certificate = str(config.get("caCertificate") or "")
    try:
        return ssl.create_default_context(cadata=certificate or None)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInput(
            f"The caCertificate of the connection {name} is no PEM text: {error}.", field="config.caCertificate"
        ) from error
