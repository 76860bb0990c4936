"""`arkwright user`: who may log in, and who may what."""

from __future__ import annotations

import sys

import rich_click as click

from arkwright.cli.output import ago
from arkwright.cli.target import Session, connected
from arkwright.errors import InvalidInput

ROLES = ("admin", "developer", "deployer", "operator", "viewer")
NONE = "none"
_PASSWORD = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin; without it the server makes one."
)


@click.group()
def user() -> None:
    """Create, disable and look at users, roles and access keys.

    Users are named by name or id.
    """


@user.command()
@click.argument("name")
@click.option("--administrator", is_flag=True, help="May do everything in the whole installation.")
@click.option("--role", type=click.Choice(ROLES), help="Also give a role in the workspace.")
@_PASSWORD
@connected
def create(session: Session, name: str, administrator: bool, role: str | None, password_stdin: bool) -> None:
    """Create a user. The password is shown this once.

    \b
      arkwright user create anna --role developer
    """
    from arkwright.client import users

    made = session.send(users.create(name, password=_password(password_stdin), administrator=administrator))
    if role:
        session.send(users.set_role(made["id"], role))
        shown = session.send(users.get(made["id"]))
        made = {**made, **shown}
    session.output.done(f"Created user {name}.{_told(made)}", made)


@user.command("list")
@connected
def list_(session: Session) -> None:
    """List all users, with their roles in the workspaces of the project.

    \b
      arkwright user list
    """
    from arkwright.client import users

    found = session.send(users.find())
    if session.output.as_json:
        session.output.json({"count": len(found), "users": found})
        return
    session.output.table(
        ["User", "State", "Administrator", "Roles", "Access keys", "Created"],
        [
            [
                each["name"],
                "enabled" if each["enabled"] else "disabled",
                "yes" if each["administrator"] else "",
                ", ".join(sorted(set(each["roles"].values()))),
                ", ".join(each["access_keys"]),
                ago(each["create_time"]),
            ]
            for each in found
        ],
    )


@user.command()
@click.argument("name")
@connected
def get(session: Session, name: str) -> None:
    """Print a user as JSON: state, roles per workspace, access keys.

    \b
      arkwright user get anna
    """
    from arkwright.client import users

    session.output.json(session.send(users.get(name)))


@user.command()
@click.argument("name")
@connected
def disable(session: Session, name: str) -> None:
    """Disable a user: tokens and access keys stop working at once. What they did still names them.

    \b
      arkwright user disable anna
    """
    from arkwright.client import users

    session.send(users.disable(name))
    session.output.done(f"Disabled user {name}.", {"name": name, "result": "disabled"})


@user.command()
@click.argument("name")
@connected
def enable(session: Session, name: str) -> None:
    """Enable a user again.

    \b
      arkwright user enable anna
    """
    from arkwright.client import users

    session.send(users.enable(name))
    session.output.done(f"Enabled user {name}.", {"name": name, "result": "enabled"})


@user.command("reset-password")
@click.argument("name")
@_PASSWORD
@connected
def reset_password(session: Session, name: str, password_stdin: bool) -> None:
    """Give a user another password, which is shown this once. The user's tokens end; access keys stay.

    \b
      arkwright user reset-password anna
    """
    from arkwright.client import users

    made = session.send(users.reset_password(name, password=_password(password_stdin)))
    session.output.done(f"Changed the password of {name}.{_told(made)}", {"name": name, **made})


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice((*ROLES, NONE)))
@connected
def role(session: Session, name: str, role: str) -> None:
    """Give a user a role in the workspace (--workspace), or take it away with `none`.

    \b
      arkwright user role anna operator
      arkwright user role anna none
    """
    from arkwright.client import users

    session.send(users.set_role(name, None if role == NONE else role))
    told = f"{name} is no member of the workspace any more." if role == NONE else f"{name} is {role} now."
    session.output.done(told, {"name": name, "role": None if role == NONE else role})


@user.command()
@click.argument("name")
@connected
def key(session: Session, name: str) -> None:
    """Make a new access key for a user; the user's others stop working. The secret key is shown this once.

    \b
      arkwright user key anna
    """
    from arkwright.client import users

    made = session.send(users.rotate_access_key(name))
    session.output.done(
        f"Access key of {name}: {made['access_key']}\nSecret key: {made['secret_key']}", {"name": name, **made}
    )


def _password(from_stdin: bool) -> str:
    if not from_stdin:
        return ""
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise InvalidInput("There is no password on stdin.", hint="Its first line is the password.")
    return given


def _told(made: dict[str, object]) -> str:
    return f" Password: {made['password']}" if made.get("password") else ""
