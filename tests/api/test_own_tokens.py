"""A user's own tokens, and what the server runs with."""

from __future__ import annotations

import httpx2
from tests.api.server import PASSWORD, PROJECT, RunningServer, log_in


def user(server: RunningServer, name: str) -> str:
    reply = server.client.post("users", json={"name": name, "password": PASSWORD})
    assert reply.status_code == 200, reply.text
    found: str = reply.json()["id"]
    role = server.client.put(f"users/{found}/role", json={"role": "viewer"})
    assert role.status_code == 204, role.text
    return found


def client(server: RunningServer, name: str) -> httpx2.Client:
    token = log_in(server.url, user=name).headers["X-Subject-Token"]
    return httpx2.Client(base_url=f"{server.url}/v1/{PROJECT}/", headers={"X-Auth-Token": token})


def test_somebody_sees_their_own_tokens_and_ends_one_of_them(server: RunningServer, name: str) -> None:
    who = user(server, name)
    with client(server, name) as first, client(server, name) as second:
        told = first.get(f"users/{who}/tokens").json()["tokens"]
        assert len(told) == 2
        [current] = [each for each in told if each.get("current")]
        [other] = [each for each in told if not each.get("current")]
        assert current["expireTime"] > current["issueTime"]
        assert current["project_id"] == PROJECT
        # Nothing of a token's text is in what is told.
        assert first.headers["X-Auth-Token"] not in first.get(f"users/{who}/tokens").text
        assert first.delete(f"users/{who}/tokens/{other['id']}").status_code == 204
        assert second.get(f"users/{who}").status_code == 401
        assert [each["id"] for each in first.get(f"users/{who}/tokens").json()["tokens"]] == [current["id"]]
        again = first.delete(f"users/{who}/tokens/{other['id']}")
        assert again.status_code == 400
        assert "no token" in again.json()["error_msg"]


def test_only_an_administrator_sees_the_tokens_of_others_and_the_servers_settings(
    server: RunningServer, name: str
) -> None:
    other = user(server, f"{name}_b")
    user(server, name)
    with client(server, name) as own:
        assert own.get(f"users/{other}/tokens").status_code == 403
        assert own.delete(f"users/{other}/tokens/0123456789abcdef").status_code == 403
        assert own.get("server-settings").status_code == 403
    assert server.client.get(f"users/{other}/tokens").json() == {"tokens": []}
    found = {each["name"]: each for each in server.client.get("server-settings").json()["settings"]}
    assert found["admin_password"]["value"] == "(set)"
    assert found["time_zone"] | {"help": ""} == {
        "name": "time_zone",
        "value": "Europe/Berlin",
        "source": "option",
        "variable": "ARKWRIGHT_TIME_ZONE",
        "help": "",
    }
    assert found["smtp_port"]["source"] == "default"
    assert PASSWORD not in server.client.get("server-settings").text
