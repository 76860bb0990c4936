"""`arkwright assess`: which jobs of exported zips would run here, told without a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from arkwright.cli import exits
from arkwright.cli.output import Output
from arkwright.errors import ArkwrightError

if TYPE_CHECKING:
    from rich.text import Text

    from arkwright.assess.model import Assessment, JobReport

SHOWN_JOBS = 20
SHOWN_NEEDS = 15
SHOWN_REASONS = 5
_STYLES = {"runs": "green", "needs mapping": "yellow", "not supported": "bold red", "note": "dim"}
_MARKS = {"runs": "✓", "needs mapping": "!", "not supported": "✗"}


@click.command()
@click.argument(
    "files",
    metavar="FILE.zip...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")
@click.option(
    "--html",
    "page",
    metavar="OUT.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write it as one page that needs no other file.",
)
@click.option(
    "--all", "all_jobs", is_flag=True, help=f"Every job, not only the worst {SHOWN_JOBS}, with all reasons and notes."
)
@click.option("--strict", is_flag=True, help="Exit with 1 unless every job runs and every entry could be read.")
def assess(files: tuple[Path, ...], as_json: bool, page: Path | None, all_jobs: bool, strict: bool) -> int:
    """Tell which jobs of an export would run here, and why not.

    No server is needed.

    The zips are those that the cloud exports: of one job, of many, of connections, or a backup's; what one holds, jobs
    of the others may use. Each job runs, needs mapping (something has to be provided or pointed elsewhere first), or
    is not supported. The exit code is 0 once all has been assessed, whatever the verdicts; --strict changes that.

    \b
      arkwright assess jobs.zip DLF_All_DataConnections.zip
      arkwright assess exports/*.zip --html report.html
      arkwright assess exports/*.zip --json | jq .totals
    """
    from arkwright.assess.jobs import assess as judge
    from arkwright.assess.model import Verdict
    from arkwright.assess.page import html_page
    from arkwright.assess.reading import collect

    output = Output(as_json=as_json)
    assessment = judge(collect(files))
    if page is not None:
        _write(page, html_page(assessment))
        output.note(f"Written to {page}.")
    if as_json:
        output.json(assessment.plain())
    else:
        _show(output, assessment, all_jobs=all_jobs)
    clean = not assessment.faults and assessment.verdicts[Verdict.RUNS] == len(assessment.jobs)
    return exits.FAILED if strict and not clean else exits.DONE


def _write(file: Path, text: str) -> None:
    """The file is there whole or as it was."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
        unfinished.replace(file)
    except OSError as error:
        raise ArkwrightError(f"{file} can't be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _show(output: Output, assessment: Assessment, *, all_jobs: bool) -> None:
    from rich.text import Text

    people = output.people
    contents = ", ".join(f"{count} {kind}" for kind, count in assessment.contents.items())
    people.print(Text(f"{len(assessment.files)} files: {contents}."))
    output.table(
        ["Jobs", ""],
        [[str(count), _verdict(verdict.value)] for verdict, count in assessment.verdicts.items()],
        right=[0],
    )
    if assessment.node_types:
        people.print()
        output.table(
            ["Node type", "", "Nodes", "Jobs"],
            [
                [each.name, _verdict("runs" if each.runs else "not supported"), str(each.nodes), str(each.jobs)]
                for each in assessment.node_types
            ],
            right=[2, 3],
        )
    needs = assessment.missing if all_jobs else assessment.missing[:SHOWN_NEEDS]
    if needs:
        people.print()
        output.table(
            ["Jobs wait for", "Name", "Jobs"],
            [[each.topic.value, each.subject, str(each.jobs)] for each in needs],
            right=[2],
        )
    jobs = assessment.jobs if all_jobs else assessment.jobs[:SHOWN_JOBS]
    if jobs:
        people.print()
        output.table(["Job", "", "Starts", "Why"], [_row(each, everything=all_jobs) for each in jobs])
    if assessment.faults:
        people.print()
        output.table(
            ["Could not be read", "Entry", "Reason"],
            [[each.file, each.entry, each.reason] for each in assessment.faults],
        )
    left = len(assessment.jobs) - len(jobs)
    if left:
        output.note(f"{left} more jobs; --all shows every one, --html writes them into a page.")


def _row(job: JobReport, *, everything: bool) -> list[str | Text]:
    from rich.text import Text

    from arkwright.assess.model import Level, places_text

    groups = [each for each in job.grouped() if everything or each[0].level is not Level.NOTE]
    shown = groups if everything else groups[:SHOWN_REASONS]
    why = Text()
    for number, (each, places) in enumerate(shown):
        where = f"{places_text(places)}: " if places else ""
        position = f" (position {each.position})" if each.position is not None else ""
        why.append("\n" if number else "")
        why.append(f"{where}{each.reason}{position}", style="dim" if each.level is Level.NOTE else "")
    if len(groups) > len(shown):
        why.append(f"\nand {len(groups) - len(shown)} more (--all)", style="dim")
    return [job.name, _verdict(job.verdict.value), job.schedule, why]


def _verdict(name: str) -> Text:
    from rich.text import Text

    return Text(f"{_MARKS[name]} {name}", style=_STYLES[name])
