"""`arkwright certificates`: an authority of one's own, and what it vouches for."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from arkwright.cli.output import Output

DAYS = 825


@click.group()
def certificates() -> None:
    """Make certificates for servers, schedulers and workers."""


@certificates.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--name",
    "names",
    metavar="HOST",
    multiple=True,
    required=True,
    help="Name or address of a server of yours; may be repeated.",
)
@click.option(
    "--days",
    metavar="NUMBER",
    type=click.IntRange(1, 3650),
    default=DAYS,
    show_default=True,
    help="How long they are good for; the authority's ten times as long.",
)
@click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")
def make(folder: Path, names: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make an authority (ca.pem) and the certificates that it vouches for: server.pem and worker.pem, with their keys.

    server.pem is for HTTPS, by these names; worker.pem, for Dask (servers, schedulers and workers), bears none.
    With an authority in the folder already, the two others are made anew by it. Its key (ca-key.pem) is needed for
    nothing else: keep it where no server is.

    \b
      arkwright certificates make certs --name db1.example.org --name 10.0.0.5
      arkwright serve --tls-cert certs/server.pem --tls-key certs/server-key.pem
    """
    from arkwright.certificates import make_certificates

    made = make_certificates(folder, names, days=days)
    told = "Made" if made.new_authority else "Used the authority there, and made"
    good = "1 day" if days == 1 else f"{days} days"
    Output(as_json=as_json).done(
        f"{told} {', '.join(made.files)} in {folder} for {', '.join(names)}, good for {good}.",
        {"folder": str(folder), "files": list(made.files), "names": list(names), "days": days},
    )
