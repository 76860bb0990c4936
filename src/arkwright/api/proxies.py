"""Reverse proxies by explicit setting: only what comes from one of them may say who called and by which name.

Signatures are made over the `Host` that the client saw, so a trusted proxy's `X-Forwarded-Host` takes its place.
"""

from __future__ import annotations

import ipaddress

from starlette.types import Scope

from arkwright.errors import SettingInvalid


class TrustedProxies:
    """`addresses`: addresses or networks, comma-separated. Empty: nobody is believed."""

    def __init__(self, addresses: str) -> None:
        try:
            self._networks = [
                ipaddress.ip_network(each.strip(), strict=False) for each in addresses.split(",") if each.strip()
            ]
        except ValueError as error:
            raise SettingInvalid(f"--trusted-proxies takes addresses or networks, comma-separated: {error}.") from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def applied(self, scope: Scope) -> Scope:
        """The scope as the proxy's client would have made it, if a trusted proxy sent it."""
        client = scope.get("client")
        if not client or not self._trusted(client[0]):
            return scope
        headers = scope["headers"]
        host = _last(headers, b"x-forwarded-host")
        caller = _last(headers, b"x-forwarded-for")
        scheme = _last(headers, b"x-forwarded-proto")
        changed = dict(scope)
        if host:
            changed["headers"] = [(name, host if name == b"host" else value) for name, value in headers]
        if caller:
            changed["client"] = (caller.decode("latin-1"), 0)
        if scheme in {b"http", b"https"}:
            changed["scheme"] = scheme.decode()
        return changed

    def _trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def _last(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    """The last entry, which is the one that the nearest proxy wrote."""
    found = b""
    for key, value in headers:
        if key == name:
            found = value.rpartition(b",")[2].strip()
    return found
