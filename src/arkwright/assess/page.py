"""An assessment as one HTML page that needs no other file, no script and no network; readable in light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from arkwright.assess.model import Assessment, Finding, JobReport, Verdict, places_text

_CLASSES = {Verdict.RUNS: "good", Verdict.NEEDS_MAPPING: "soso", Verdict.NOT_SUPPORTED: "bad"}
_MARKS = {Verdict.RUNS: "✓", Verdict.NEEDS_MAPPING: "!", Verdict.NOT_SUPPORTED: "✗"}
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2429;--paper:#fff;--dim:#59656e;--line:#d5dbe0;--good:#176b3a;--soso:#805300;
--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaed;--paper:#14181b;--dim:#9aa7b0;--line:#343c42;--good:#6fd08c;
--soso:#f0b64a;--bad:#ff8a80}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);
overflow-wrap:anywhere}
td.n,th.n{text-align:right}
.cards{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}
.cards li{border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1.2rem}
.cards b{display:block;font-size:1.8rem}
.good{color:var(--good)}.soso{color:var(--soso)}.bad{color:var(--bad)}.dim{color:var(--dim)}
details{border-bottom:1px solid var(--line);padding:.4rem 0}
summary{cursor:pointer;overflow-wrap:anywhere}
details ul{margin:.4rem 0}
"""


def html_page(assessment: Assessment) -> str:
    return "\n".join(_lines(assessment)) + "\n"


def _lines(assessment: Assessment) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>What runs: {len(assessment.jobs)} jobs</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>What runs: {len(assessment.jobs)} jobs from {len(assessment.files)} files</h1>"
    yield '<ul class="cards">'
    for verdict, count in assessment.verdicts.items():
        yield f'<li><b class="{_CLASSES[verdict]}">{_MARKS[verdict]} {count}</b>{escape(verdict.value)}</li>'
    yield "</ul>"
    schedules = ", ".join(f"{count} {kind}" for kind, count in assessment.schedules.items())
    contents = ", ".join(f"{count} {kind}" for kind, count in assessment.contents.items())
    yield f'<p class="dim">Started: {escape(schedules or "none")}. In the files: {escape(contents)}.</p>'
    yield "<h2>Node types</h2>"
    yield from _table(
        ["Type", "Here", "Nodes", "Jobs"],
        [
            [each.name, "runs" if each.runs else "not supported", str(each.nodes), str(each.jobs)]
            for each in assessment.node_types
        ],
    )
    if assessment.missing:
        yield "<h2>What the jobs wait for</h2>"
        yield from _table(
            ["What", "Name", "Jobs"],
            [[each.topic.value, each.subject, str(each.jobs)] for each in assessment.missing],
        )
    if assessment.faults:
        yield "<h2>What could not be read</h2>"
        yield from _table(
            ["File", "Entry", "Reason"], [[each.file, each.entry, each.reason] for each in assessment.faults]
        )
    yield "<h2>Jobs, worst first</h2>"
    for job in assessment.jobs:
        yield from _job(job)
    yield "</body>\n</html>"


def _job(job: JobReport) -> Iterator[str]:
    verdict = job.verdict
    types = ", ".join(f"{name} × {count}" for name, count in job.node_types.items())
    head = (
        f'<span class="{_CLASSES[verdict]}">{_MARKS[verdict]} {escape(verdict.value)}</span> <b>{escape(job.name)}</b>'
    )
    yield f'<details><summary>{head} <span class="dim">{escape(types)}; {escape(job.schedule)}</span></summary>'
    yield f'<p class="dim">{escape(job.file)}</p>'
    if job.findings:
        yield "<ul>"
        yield from (f"<li>{_finding(each, places)}</li>" for each, places in job.grouped())
        yield "</ul>"
    yield "</details>"


def _finding(each: Finding, places: Sequence[str]) -> str:
    where = f"{escape(places_text(places))}: " if places else ""
    position = f' <span class="dim">at position {each.position}</span>' if each.position is not None else ""
    return f"<b>{escape(each.level.value)}</b>, {escape(each.topic.value)}: {where}{escape(each.reason)}{position}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    numbers = {index for index, title in enumerate(titles) if title in {"Nodes", "Jobs"}}
    yield "<table>\n<thead><tr>"
    yield "".join(f"<th{_class(index in numbers)}>{escape(each)}</th>" for index, each in enumerate(titles))
    yield "</tr></thead>\n<tbody>"
    for row in rows:
        cells = "".join(f"<td{_class(index in numbers)}>{escape(each)}</td>" for index, each in enumerate(row))
        yield f"<tr>{cells}</tr>"
    yield "</tbody>\n</table>"


def _class(is_number: bool) -> str:
    return ' class="n"' if is_number else ""
