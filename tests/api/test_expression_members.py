"""What an editor is told of expressions, so that it can complete them."""

from __future__ import annotations

from tests.api.house import House


def test_objects_are_listed_with_their_members_and_signatures(house: House) -> None:
    members = {each["name"]: each for each in house.call("GET", "el/members").json()["members"]}
    assert members["Job.planTime"] == {"name": "Job.planTime", "signature": "Job.planTime", "method": False}
    assert members["DateUtil.format"]["signature"] == "DateUtil.format(Date, String)"
    assert members["Job.trigger.obsNewFiles"]["method"] is False
    assert {name.split(".")[0] for name in members} == {
        *("DateUtil", "Env", "Job", "JSONUtil", "Loop", "OBSUtil", "StringUtil"),
    }
