"""Lists of things with names that come in pages: their options, and how a page is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from arkwright.cli.target import Session

if TYPE_CHECKING:
    from rich.text import Text

    from arkwright.client import Page

F = TypeVar("F", bound=Callable[..., Any])


def paged(things: str) -> Callable[[F], F]:
    """The options `name`, `page` and `limit` of a command that lists `things`."""

    def wrap(command: F) -> F:
        command = click.option(
            "--limit", default=50, show_default=True, type=click.IntRange(1, 100), help=f"{things.title()} on a page."
        )(command)
        command = click.option(
            "--page", default=0, show_default=True, type=click.IntRange(min=0), help="Page, from 0."
        )(command)
        return click.option("--name", default="", help=f"Only {things} whose name contains this.")(command)

    return wrap


def show_page(
    session: Session,
    found: Page[Any],
    things: str,
    row: Callable[[Mapping[str, Any]], Sequence[str | Text]],
    titles: Sequence[str],
    *,
    name: str,
    page: int,
) -> None:
    """A table with a row for each, or JSON with `total` and the list under the word for `things`."""
    output = session.output
    if output.as_json:
        output.json({"total": found.total, things: found.items})
        return
    if not found.items:
        output.note(f"No {things}." if not name else f"No {things.removesuffix('s')} has {name!r} in its name.")
        return
    output.table(titles, [row(each) for each in found.items])
    if found.total > len(found.items):
        output.note(f"{len(found.items)} of {found.total}; --page {page + 1} shows more.")
