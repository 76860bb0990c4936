"""What an import changes in documents."""

from __future__ import annotations

from typing import Any

from arkwright.transfer.rewrite import Changes, Replacement

JOB: dict[str, Any] = {
    "name": "j",
    "params": [{"name": "a", "value": "1", "type": "constants"}, {"name": "b", "value": "2"}],
    "nodes": [
        {
            "name": "n",
            "properties": [{"name": "connectionName", "value": "old"}, {"name": "statement", "value": "old"}],
        }
    ],
    "basicConfig": {"owner": "anna"},
}


def test_parameters_are_set_where_they_are_declared_and_added_where_the_job_is_named() -> None:
    changes = Changes(parameters={"a": "x", "zzz": "y"}, parameters_of_job={"j": {"b": "z", "c": "new"}})
    assert changes.job(JOB)["params"] == [
        {"name": "a", "value": "x", "type": "constants"},
        {"name": "b", "value": "z"},
        {"name": "c", "value": "new", "type": "variable"},
    ]
    assert [each["value"] for each in changes.job({**JOB, "name": "other"})["params"]] == ["x", "2"]
    assert JOB["params"][0]["value"] == "1"


def test_names_are_replaced_where_they_name_something() -> None:
    changes = Changes(replacements=[Replacement(name="old", type="DWS_CONNECTION", replace="new")])
    assert [each["value"] for each in changes.job(JOB)["nodes"][0]["properties"]] == ["new", "old"]
    assert changes.script({"connectionName": "old"}) == {"connectionName": "new"}
    assert changes.script({"connectionName": "other"}) == {"connectionName": "other"}


def test_the_executing_user_joins_the_basic_configuration() -> None:
    assert Changes(execute_user="eve").job(JOB)["basicConfig"] == {"owner": "anna", "executeUser": "eve"}
    assert Changes().job(JOB) == JOB
