"""Where requests come in: the socket, and uvicorn's configuration."""

from __future__ import annotations

import socket
import ssl

import uvicorn

from arkwright.api.application import Application
from arkwright.errors import SettingInvalid
from arkwright.http_server import protocol_for
from arkwright.settings import Settings


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingInvalid(
            f"Can't listen on {host}:{port}: {error.strerror or error}.",
            hint="Another program uses it, or the address is not this machine's; choose another --port or --host.",
        ) from error
    return listener


def http_config(settings: Settings, application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=protocol_for(application, short_way="api" in settings.roles),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application looks at them itself, and only from trusted proxies
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        backlog=2048,
    )
