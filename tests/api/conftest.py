from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.api.house import House, close_house, open_house
from tests.api.server import RunningServer, running_server
from tests.servers.database import databases_go  # noqa: F401

_counter = itertools.count(1)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made, thread = open_house(tmp_path_factory.mktemp("house"))
    yield made
    close_house(made, thread)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"thing_{next(_counter)}"


@pytest.fixture
def job(house: House, name: str) -> str:
    """The name of a saved job."""
    house.save_job(name)
    return name


@pytest.fixture
def refused(house: House) -> Callable[..., dict[str, Any]]:
    """Make a call that must be refused with that status and code; answers the error's body."""

    def call(code: str, method: str, path: str, body: Any = None, *, status: int = 400, **more: Any) -> dict[str, Any]:
        reply = house.call(method, path, body, **more)
        assert reply.status_code == status, reply.text
        error: dict[str, Any] = reply.json()
        assert error["error_code"] == code, error
        assert error["error_msg"]
        assert set(error) <= {"error_code", "error_msg", "hint", "errors"}
        assert len(reply.headers["X-Request-Id"]) == 32
        return error

    return call
