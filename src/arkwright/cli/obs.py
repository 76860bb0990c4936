"""`arkwright obs`: files into the server's object storage, out of it, and what lies there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from arkwright.cli.output import ago
from arkwright.cli.target import Session, connected
from arkwright.errors import InvalidInput

if TYPE_CHECKING:
    from arkwright.client.objects import ObjectClient

SCHEME = "obs://"


@click.group()
def obs() -> None:
    """Copy, list and remove objects: what obs:// paths name."""


@obs.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@connected
def cp(session: Session, source: str, target: str) -> None:
    """Copy a file to the object storage, or an object to a file.

    A target that ends in / keeps the name.

    \b
      arkwright obs cp jobs.zip obs://my-bucket/in/
      arkwright obs cp obs://my-bucket/in/jobs.zip .
    """
    if source.startswith(SCHEME) == target.startswith(SCHEME):
        raise InvalidInput(
            "One of the two must be an obs:// path, and the other a file.",
            hint="For example: arkwright obs cp jobs.zip obs://my-bucket/in/jobs.zip",
        )
    with _client(session) as client:
        if target.startswith(SCHEME):
            bucket, key = _split(target)
            file = _file(source)
            if not key or key.endswith("/"):
                key += file.name
            size = client.upload(file, bucket, key)
            target = f"{SCHEME}{bucket}/{key}"
        else:
            bucket, key = _object(source)
            local = Path(target)
            if local.is_dir() or target.endswith(("/", os.sep)):
                local = local / key.rpartition("/")[2]
            size = _download(client, bucket, key, local)
            target = str(local)
    session.output.done(f"Copied {size:,} bytes to {target}.", {"from": source, "to": target, "size": size})


@obs.command()
@click.argument("path", metavar="PATH")
@connected
def ls(session: Session, path: str) -> None:
    """List the objects whose path begins so.

    \b
      arkwright obs ls obs://my-bucket/in/
    """
    bucket, prefix = _split(path)
    with _client(session) as client:
        found = list(client.list(bucket, prefix))
    if session.output.as_json:
        session.output.json({"bucket": bucket, "prefix": prefix, "objects": found})
        return
    if not found:
        session.output.note(f"Nothing begins with {path}.")
        return
    rows = [[f"{SCHEME}{bucket}/{each['key']}", f"{each['size']:,}", ago(each["lastModified"])] for each in found]
    session.output.table(["Object", "Bytes", "Changed"], rows, right=[1])


@obs.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@connected
def rm(session: Session, paths: tuple[str, ...]) -> None:
    """Remove objects.

    \b
      arkwright obs rm obs://my-bucket/in/jobs.zip
    """
    places = [_object(each) for each in paths]
    with _client(session) as client:
        for bucket, key in places:
            client.delete(bucket, key)
    session.output.done(f"Removed {', '.join(paths)}.", {"removed": list(paths)})


def _client(session: Session) -> ObjectClient:
    from arkwright.client.objects import ObjectClient

    target = session.target
    return ObjectClient(
        target.url,
        project_id=target.project_id,
        credential=target.credential,
        workspace=target.workspace,
        ca_file=target.ca_file or None,
    )


def _split(path: str) -> tuple[str, str]:
    """(bucket, key); the server says what is wrong with them."""
    bucket, _, key = path.removeprefix(SCHEME).partition("/")
    if not path.startswith(SCHEME) or not bucket:
        raise InvalidInput(f"{path} is no path of the object storage.", hint="Write obs://bucket/folder/file.")
    return bucket, key


def _object(path: str) -> tuple[str, str]:
    bucket, key = _split(path)
    if not key or key.endswith("/"):
        raise InvalidInput(f"{path} is a folder; name an object.", hint="arkwright obs ls shows what is in it.")
    return bucket, key


def _file(source: str) -> Path:
    file = Path(source)
    if not file.is_file():
        raise InvalidInput(f"There is no file {source}.", hint="Folders are not copied: copy their files.")
    return file


def _download(client: ObjectClient, bucket: str, key: str, local: Path) -> int:
    try:
        return client.download(bucket, key, local)
    except OSError as error:
        raise InvalidInput(f"{local} can't be written: {error.strerror}.") from error
