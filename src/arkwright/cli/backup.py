"""`arkwright backup` and `arkwright restore`: a data folder as one file, and back."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from arkwright.cli.output import Output
from arkwright.cli.target import data_folder

_DATA = click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder of the server. [ARKWRIGHT_DATA]"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-runs", is_flag=True, help="Leave out the logs and outputs of runs.")
@click.option("--without-objects", is_flag=True, help="Leave out the objects (obs:// paths) in the data folder.")
@_DATA
@_JSON
def backup(file: Path, without_runs: bool, without_objects: bool, data: Path | None, as_json: bool) -> None:
    """Write the data folder into one file; the server may go on running.

    The file holds all keys and is readable by you only: keep it as safe as the data folder. With PostgreSQL, pg_dump
    makes the backup.

    \b
      arkwright backup arkwright-monday.tar.gz
    """
    from arkwright.cli.archive import write_backup

    size = write_backup(data_folder(data), file, runs=not without_runs, objects=not without_objects)
    Output(as_json=as_json).done(f"Wrote {file} ({size:,} bytes).", {"file": str(file), "bytes": size})


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_DATA
@_JSON
def restore(file: Path, data: Path | None, as_json: bool) -> None:
    """Make a data folder from a backup. The folder must be empty or not there yet.

    Runs that were under way at the time of the backup are taken up when the server starts.

    \b
      arkwright restore arkwright-monday.tar.gz --data ./restored
      arkwright serve --data ./restored
    """
    from arkwright.cli.archive import read_backup

    folder = data_folder(data)
    read_backup(file, folder)
    Output(as_json=as_json).done(
        f"Restored {file} into {folder}. Start it: arkwright serve --data {folder}",
        {"file": str(file), "data": str(folder)},
    )
