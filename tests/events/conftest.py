import socket

import pytest
from tests.servers.kafka import kafka_broker  # noqa: F401
from tests.servers.postgres import postgres_address, postgres_ready, postgres_server  # noqa: F401

from arkwright.scheduler.events import kafka


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker of these tests answers a waiting request only when its time is over."""
    monkeypatch.setattr(kafka, "WAIT_MS", 200)


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
