"""The table of roles, walked cell by cell against the spec's own rows, and who is outside of it."""

from __future__ import annotations

import itertools

import pytest

from arkwright.iam.model import GRANTS, Action, Actor, Role, can

# factory-behaviour 7.4, written down once more: admin, developer, deployer, operator, viewer.
# Y yes, - no, S not in enterprise mode.
SPEC = {
    "job.create": "YY---",
    "job.delete": "YY---",
    "script.create": "YY---",
    "script.delete": "YY---",
    "script.edit": "YY---",
    "resource.create": "YY---",
    "resource.edit": "YY---",
    "resource.delete": "YY---",
    "connection.create": "YY---",
    "connection.edit": "YY---",
    "connection.delete": "YY---",
    "job.edit": "YY-Y-",
    "job.operate": "YY-Y-",
    "job.rerun": "YS-Y-",
    "script.operate": "YY-Y-",
    "connection.operate": "YY-Y-",
    "job.read": "YY-YY",
    "script.read": "YY-YY",
    "resource.read": "YY-YY",
    "connection.read": "YY-YY",
    "environment.read": "YY-YY",
    "notification.read": "YY-YY",
    "review.read": "YY-YY",
    "tag.read": "YY-YY",
    "tag.edit": "YY-Y-",
    "lock.edit": "YY-Y-",
    "notification.create": "YS---",
    "environment.edit": "YS---",
    "release.read": "YYYYY",
    "release.create": "YY---",
    "release.approve": "Y-Y--",
    "job.produce": "Y----",
    "review.approve": "Y----",
    "audit.read": "Y----",
    "workspace.read": "YYYYY",
    "workspace.manage": "Y----",
    "workspace.create": "-----",
    "local_programs.allow": "-----",
    "user.manage": "-----",
}


def member(role: Role) -> Actor:
    return Actor(user_id="u", user_name="u", domain_id="d", domain_name="d", project_id="p", roles={"here": role})


def test_the_table_has_every_action_for_every_role() -> None:
    assert set(SPEC) == {action.value for action in Action}
    assert set(GRANTS) == set(Role)
    for cells in GRANTS.values():
        assert set(cells) == set(Action)


@pytest.mark.parametrize(("role", "action"), list(itertools.product(Role, Action)))
def test_each_cell_is_as_the_spec_says(role: Role, action: Action) -> None:
    cell = SPEC[action.value][list(Role).index(role)]
    assert can(member(role), action, "here") is (cell in "YS")
    assert can(member(role), action, "here", enterprise=True) is (cell == "Y")


@pytest.mark.parametrize("action", list(Action))
def test_a_role_counts_only_in_its_own_workspace(action: Action) -> None:
    assert not can(member(Role.ADMIN), action, "elsewhere")
    assert not can(member(Role.ADMIN), action, None)


@pytest.mark.parametrize("action", list(Action))
def test_an_administrator_of_the_installation_may_do_everything_everywhere(action: Action) -> None:
    actor = Actor(user_id="u", user_name="u", domain_id="d", domain_name="d", project_id="p", administrator=True)
    for workspace, enterprise in itertools.product(("here", "elsewhere", None), (False, True)):
        assert can(actor, action, workspace, enterprise=enterprise)
