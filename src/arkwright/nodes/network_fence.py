"""Which network addresses a node may connect to, checked on the address that is really connected to.

Rules
-----
* A name is resolved once, each resolved address is judged, and the connection goes to the judged address itself: no
  second look-up that could answer otherwise. TLS still checks the certificate against the name.
* Always refused: link-local, metadata services of clouds, unspecified, multicast, broadcast and reserved addresses.
* Loopback is refused but for the server's own (address, port) pairs, unless a setting allows it. Private ranges are
  allowed, since data teams call services of their own house; a setting refuses them.
* An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is judged as both. Odd
  spellings (`2130706433`, `0x7f.1`, `127.1`) need no rule: the system's resolver reads them, and the result is judged.
* No proxies: a proxy would connect in our place.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure's wire server
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google Cloud
        "fd00:42::42",  # Scaleway
    )
)  # 169.254.169.254 and its like are link-local
_LOOPBACK = "a loopback address"
_SETTING = "ARKWRIGHT_ALLOW_LOOPBACK_REQUESTS"
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


BROKEN = (
    *(httpx2.HTTPError, httpx2.InvalidURL),
    *(httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol),
)
"""What a request over `FencedTransport` fails with where nobody refused it."""


class AddressRefused(Exception):
    """A node may not connect there; the text says where, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    own_addresses: frozenset[tuple[str, int]] = frozenset()
    """(IP address, port) pairs at which Arkwright itself listens."""
    loopback_allowed: bool = False
    private_allowed: bool = True

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Fence:
        """`own_addresses`: list of [address, port]; `allow_loopback_requests`; `allow_private_requests`."""
        own = frozenset((_plain(str(address)), int(port)) for address, port in settings.get("own_addresses", ()))
        return cls(
            own_addresses=own,
            loopback_allowed=bool(settings.get("allow_loopback_requests", False)),
            private_allowed=bool(settings.get("allow_private_requests", True)),
        )

    def objection(self, address: Address, port: int) -> str | None:
        """What speaks against a connection to this address; None: nothing."""
        for each in _readings(address):
            if (str(each), port) in self.own_addresses:
                continue
            reason = self._objection_to(each)
            if reason is not None:
                return reason
        return None

    def _objection_to(self, address: Address) -> str | None:
        if address in _METADATA:
            return "the metadata service of a cloud"
        if address.is_loopback:
            return None if self.loopback_allowed else _LOOPBACK
        if address.is_link_local:
            return "a link-local address"
        if address.is_unspecified or (address.version == 4 and address in _THIS_NETWORK):
            return "an unspecified address"
        if address.is_multicast:
            return "a multicast address"
        if address.is_reserved or (address.version == 6 and address in _SITE_LOCAL):
            return "a reserved address"
        if address.is_private and not self.private_allowed:
            return "a private address"
        return None

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to, in the resolver's order.

        Raises `AddressRefused` if it has addresses, and none of them may; OSError if it has none.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        allowed: list[str] = []
        reason = ""
        for *_, place in found:
            text = str(place[0])
            objection = self.objection(ipaddress.ip_address(text), port)
            if objection is None:
                allowed.append(text)
            elif not reason:
                where = host if _plain(host) == text else f"{host} ({text})"
                reason = f"{where} is {objection}; a node may not connect there"
                reason += f", unless {_SETTING} allows it." if objection == _LOOPBACK else "."
        if not allowed:
            raise AddressRefused(reason or f"{host} has no address.")
        return list(dict.fromkeys(allowed))


def _plain(text: str) -> str:
    """The one spelling of an address; other texts stay as they are, and match nothing."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _readings(address: Address) -> list[Address]:
    """The address, without a scope, and the IPv4 addresses that are inside of it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    number = int(address)
    plain = ipaddress.IPv6Address(number)
    inside: list[Address] = []
    if plain.ipv4_mapped is not None:  # this is IPv4, whatever the IPv6 range is said to be
        return [plain.ipv4_mapped]
    if any(plain in network for network in _NAT64):
        inside.append(ipaddress.IPv4Address(number & 0xFFFFFFFF))
        if plain in _NAT64[0]:
            return inside  # the range itself counts as reserved, but reaches what is inside
    elif plain in _COMPATIBLE and number > 0xFFFF:
        inside.append(ipaddress.IPv4Address(number))
    if plain.sixtofour is not None:
        inside.append(plain.sixtofour)
    if plain.teredo is not None:
        inside.extend(plain.teredo)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        inside.append(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    return [*inside, plain]


class FencedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the library's signature)
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._fence.resolve(host, port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout(f"the address of {host} was not found within {timeout:.0f} s") from None
        except (OSError, UnicodeError) as fault:
            raise httpcore2.ConnectError(f"the address of {host} can't be found: {fault}") from None
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused("A node may not connect to a local socket.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FencedTransport(httpx2.AsyncBaseTransport):
    """An HTTP transport whose every connection, also of redirects, goes through the fence. Keeps connections alive."""

    def __init__(self, fence: Fence, *, ca_file: str = "") -> None:
        """`ca_file`: certificates (PEM) to trust instead of the system's."""
        context = ssl.create_default_context(cafile=ca_file) if ca_file else httpx2.create_ssl_context()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=200,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,  # servers close idle connections, too, and that fails a request in flight
            network_backend=FencedBackend(fence),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
            request=request,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
