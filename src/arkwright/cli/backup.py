"""`arkwright backup` and `arkwright restore`: a data folder as one file, and back."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from arkwright.cli.output import Output
from arkwright.cli.target import data_folder
from arkwright.cli.target import database_url as which_url

_DATA = click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder of the server. [ARKWRIGHT_DATA]"
)
_URL = click.option(
    "--database-url", metavar="URL", help="postgresql://…; default: SQLite in the folder. [ARKWRIGHT_DATABASE_URL]"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-runs", is_flag=True, help="Leave out the logs and outputs of runs.")
@click.option("--without-objects", is_flag=True, help="Leave out the objects (obs:// paths) in the data folder.")
@_URL
@_DATA
@_JSON
def backup(
    file: Path, without_runs: bool, without_objects: bool, data: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Write an installation into one file.

    Servers may go on running. The file holds the database as it is at one moment, and the data folder: keys, logs and
    outputs of runs, files and databases of workspaces, objects. It is readable by you only: keep it as safe as the
    data folder. Large PostgreSQL databases are better backed up by pg_dump or by archiving their log, with the data
    folder beside.

    \b
      arkwright backup arkwright-monday.tar.gz
      arkwright backup arkwright-monday.tar.gz --database-url postgresql://host/arkwright --data /srv/arkwright
    """
    from arkwright.cli.archive import write_backup

    size = write_backup(
        data_folder(data),
        file,
        runs=not without_runs,
        objects=not without_objects,
        database_url=which_url(database_url),
    )
    Output(as_json=as_json).done(f"Wrote {file} ({size:,} bytes).", {"file": str(file), "bytes": size})


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_URL
@_DATA
@_JSON
def restore(file: Path, data: Path | None, database_url: str | None, as_json: bool) -> None:
    """Make an installation from a backup.

    Folder and database must be empty or not there yet.

    With --database-url the database goes to PostgreSQL, else it is embedded, wherever it was before. What was running
    at the time of the backup counts as lost, since its programs ran there: its nodes' policies say what comes next.

    \b
      arkwright restore arkwright-monday.tar.gz --data ./restored
      arkwright serve --data ./restored
    """
    from arkwright.cli.archive import read_backup

    folder = data_folder(data)
    read_backup(file, folder, database_url=which_url(database_url))
    Output(as_json=as_json).done(
        f"Restored {file} into {folder}. Start it: arkwright serve --data {folder}",
        {"file": str(file), "data": str(folder)},
    )
