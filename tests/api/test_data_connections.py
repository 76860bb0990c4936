"""Data connections over V1: secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import PROJECT, House
from tests.servers.database import contents

from arkwright.api.v1.connection_body import MASK
from arkwright.engine.connections import is_sealed, unsealed
from arkwright.store.base import Kind, Place

Refused = Callable[..., dict[str, Any]]

DWS: dict[str, Any] = {
    "type": "DWS",
    "config": {
        "ip": "10.0.0.5",
        "port": "8000",
        "userName": "dbadmin",
        "password": "S3cret-Wort",
        "kmsKey": "cdm-dlf",
        "agentName": "cdm-donotdelete",
        "sslEnable": False,
    },
}
HOST: dict[str, Any] = {
    "type": "HOST",
    "config": {"ip": "10.0.0.6", "port": "22", "userName": "root", "password": "S3cret-Wort"},
}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nS3cret\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_WITH_KEY = {"ip": "10.0.0.6", "port": "22", "userName": "root", "privateKey": KEY}


@pytest.fixture
def connection(house: House, name: str) -> str:
    assert house.call("POST", "connections", {**DWS, "name": name}).status_code == 204
    return name


def place(house: House) -> Place:
    return Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)


def stored(house: House, name: str) -> dict[str, Any]:
    found = house.run(house.store.get_definition(place(house), Kind.CONNECTION, name))
    assert found is not None
    return dict(found.body)


def password(house: House, name: str) -> str:
    config = stored(house, name)["config"]
    return str(unsealed(config, place(house), name, house.directory.sealer)["password"])


def test_what_was_sent_comes_back_but_for_the_secret(house: House, name: str) -> None:
    sent = {**DWS, "name": name, "description": "the warehouse", "somethingNew": [1, None]}
    assert house.call("POST", "connections", sent).status_code == 204
    got = house.call("GET", f"connections/{name}").json()
    assert got == {**sent, "config": {**DWS["config"], "password": MASK}}
    listed = house.call("GET", f"connections?connectionName={name}").json()
    assert (listed["total"], listed["connections"]) == (1, [got])


def test_the_secret_is_nowhere_in_the_store(house: House, connection: str) -> None:
    assert "S3cret-Wort" not in str(stored(house, connection))
    assert password(house, connection) == "S3cret-Wort"


def test_a_sealed_secret_is_good_for_its_own_connection_alone(house: House, connection: str) -> None:
    config = stored(house, connection)["config"]
    with pytest.raises(Exception, match="not sealed"):
        unsealed(config, place(house), "another", house.directory.sealer)


def test_a_mask_that_comes_back_leaves_the_secret(house: House, connection: str) -> None:
    path = f"connections/{connection}"
    got = house.call("GET", path).json()
    assert house.call("PUT", path, {**got, "description": "new"}).status_code == 204
    assert house.call("GET", path).json()["description"] == "new"
    assert password(house, connection) == "S3cret-Wort"
    got["config"]["password"] = "Another-1"
    assert house.call("PUT", path, got).status_code == 204
    assert password(house, connection) == "Another-1"


def test_the_type_and_the_name_stay(refused: Refused, connection: str) -> None:
    path = f"connections/{connection}"
    error = refused("DLF.6323", "PUT", path, {**HOST, "name": connection})
    assert error["error_msg"] == "The connection type cannot be modified."
    assert "name" in refused("DLF.3051", "PUT", path, {**DWS, "name": "other"})["error_msg"]


def test_types_are_compared_without_case(house: House, connection: str) -> None:
    changed = {**DWS, "name": connection, "type": "dws"}
    assert house.call("PUT", f"connections/{connection}", changed).status_code == 204


def test_a_name_is_used_once(refused: Refused, connection: str) -> None:
    error = refused("DLF.6309", "POST", "connections", {**HOST, "name": connection})
    assert error["error_msg"] == "The name already exists."


def test_what_is_not_there_is_refused(refused: Refused) -> None:
    for method, body in (("GET", None), ("PUT", HOST), ("DELETE", None)):
        error = refused("DLF.6322", method, "connections/nobody", body)
        assert error["error_msg"] == "The data connection does not exist."


def test_a_deleted_connection_is_gone(house: House, refused: Refused, connection: str) -> None:
    assert house.call("DELETE", f"connections/{connection}").status_code == 204
    refused("DLF.6322", "GET", f"connections/{connection}")


def test_a_user_has_one_dli_connection(house: House, refused: Refused, name: str) -> None:
    dli = {"name": name, "type": "DLI"}
    assert house.call("POST", "connections", dli).status_code == 204
    assert house.call("PUT", f"connections/{name}?ischeck=true", dli).status_code == 204
    refused("DLF.6271", "POST", "connections", {"name": f"{name}_2", "type": "DLI", "config": {}})
    other = house.call("POST", "connections", {"name": f"{name}_2", "type": "DLI"}, role="developer")
    assert other.status_code == 204
    for each in (name, f"{name}_2"):
        house.call("DELETE", f"connections/{each}")


def test_a_cluster_is_in_one_connection_of_a_type(house: House, refused: Refused, name: str) -> None:
    hive = {"name": name, "type": "HIVE", "config": {"clusterName": name, "connectionMethod": "direct"}}
    assert house.call("POST", "connections", hive).status_code == 204
    assert house.call("PUT", f"connections/{name}", hive).status_code == 204
    refused("DLF.6416", "POST", "connections", {**hive, "name": f"{name}_2"})
    assert house.call("POST", "connections", {**hive, "name": f"{name}_2", "type": "SparkSQL"}).status_code == 204


def without(*keys: str) -> dict[str, Any]:
    return {**DWS, "config": {key: value for key, value in DWS["config"].items() if key not in keys}}


@pytest.mark.parametrize(
    ("code", "body", "words"),
    [
        ("DLF.6418", without("ip"), ["clusterName"]),
        ("DLF.6418", without("port"), ["clusterName"]),
        ("DLF.3051", without("userName"), ["config.userName"]),
        ("DLF.3051", without("password"), ["config.password"]),
        ("DLF.3051", without("sslEnable"), ["config.sslEnable"]),
        ("DLF.3051", {**DWS, "name": "a b"}, ["name"]),
        ("DLF.3051", {**DWS, "name": "x" * 101}, ["name", "100"]),
        ("DLF.3051", {**DWS, "name": None}, ["name"]),
        ("DLF.3051", {**DWS, "type": "Oracle"}, ["type", "DWS"]),
        ("DLF.3051", {**DWS, "type": None}, ["type"]),
        ("DLF.3051", {**DWS, "description": "x" * 256}, ["description", "255"]),
        ("DLF.3051", {**DWS, "config": []}, ["config"]),
        ("DLF.3051", {**DWS, "config": {**DWS["config"], "password": {"$sealed": "x"}}}, ["config.password"]),
        ("DLF.3051", {**DWS, "config": {**DWS["config"], "port": "no"}}, ["config.port"]),
        ("DLF.3051", {"type": "HIVE", "config": {"clusterName": "c"}}, ["connectionMethod"]),
        ("DLF.3051", {"type": "HIVE", "config": {"clusterName": "c", "connectionMethod": "agent"}}, ["userName"]),
        ("DLF.3051", {"type": "HIVE", "config": {"clusterName": "c", "connectionMethod": "x"}}, ["agent", "direct"]),
        ("DLF.3051", {"type": "CloudTable"}, ["clusterName"]),
        ("DLF.3051", {**HOST, "type": "RDS"}, ["driverName"]),
        ("DLF.3051", {**HOST, "config": HOST_WITH_KEY | {"privateKey": ""}}, ["config.password", "privateKey"]),
        ("DLF.3051", {**HOST, "type": "RDS", "config": HOST_WITH_KEY}, ["config.password"]),
    ],
)
def test_is_refused(refused: Refused, name: str, code: str, body: dict[str, Any], words: list[str]) -> None:
    error = refused(code, "POST", "connections", {"name": name, **body})
    for word in words:
        assert word in f"{error['error_msg']} {error.get('hint', '')}"


@pytest.mark.parametrize("key", ["privateKey", "private_key", "keyFile", "key"])
def test_a_host_that_is_logged_in_to_with_a_key_needs_no_password(house: House, name: str, key: str) -> None:
    """And whatever the key is called, it is a secret."""
    config = {each: value for each, value in HOST_WITH_KEY.items() if each != "privateKey"} | {key: KEY}
    body = {**HOST, "name": name, "config": config}
    assert house.call("POST", "connections", body).status_code == 204
    got = house.call("GET", f"connections/{name}").json()
    assert got["config"] == {**config, key: MASK}
    assert is_sealed(stored(house, name)["config"][key])
    assert house.call("PUT", f"connections/{name}", got).status_code == 204
    assert unsealed(stored(house, name)["config"], place(house), name, house.directory.sealer)[key] == KEY


def test_ischeck_saves_only_what_can_be_reached(house: House, refused: Refused, connection: str) -> None:
    path = f"connections/{connection}?ischeck=true"
    here = {**DWS["config"], "ip": "127.0.0.1"}
    error = refused("DLF.3051", "PUT", path, {**DWS, "config": here})
    assert "loopback" in error["error_msg"]
    cluster = {**without("ip", "port")["config"], "clusterName": connection}
    assert "cluster" in refused("DLF.3051", "PUT", path, {**DWS, "config": cluster})["error_msg"]
    assert house.call("GET", f"connections/{connection}").json()["config"]["ip"] == "10.0.0.5"
    assert house.call("PUT", f"connections/{connection}?ischeck=false", {**DWS, "config": here}).status_code == 204


def test_a_connection_is_tried_as_it_is_stored_or_with_its_own_secret(
    house: House, refused: Refused, connection: str
) -> None:
    """A mask sends no password to another place than its own."""
    config = {**DWS["config"], "password": "******"}
    body = {"dw_name": connection, "dw_type": "DWS", "dw_config": {**config, "ip": "127.0.0.1"}}
    error = refused("DLF.3051", "POST", "data-connections/validation", body)
    assert "differs" in error["error_msg"]
    body["dw_config"]["password"] = "mine"
    assert "loopback" in refused("DLF.3051", "POST", "data-connections/validation", body)["error_msg"]


def test_the_database_does_not_hold_the_secret(house: House, connection: str) -> None:
    held = contents(house.place)
    assert connection.encode() in held
    assert b"S3cret-Wort" not in held
