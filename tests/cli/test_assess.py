from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import EXAMPLES, Cli, Done, job

from arkwright.assess.schedules import cron_fault
from arkwright.assess.texts import uses_of

Zip = Callable[..., str]


@pytest.fixture
def zipped(tmp_path: Path) -> Zip:
    """A zip of the given entries; documents become JSON."""

    def write(name: str, entries: dict[str, Any]) -> str:
        file = tmp_path / name
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in entries.items():
                archive.writestr(path, content if isinstance(content, str | bytes) else json.dumps(content))
        return str(file)

    return write


def node(name: str, kind: str, *before: str, **properties: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "location": {"x": "1", "y": "2"},
        "preNodeName": list(before),
        "properties": [{"name": key, "value": value} for key, value in properties.items()],
    }


def of_nodes(name: str, *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**job(name), "nodes": list(nodes), **more}


def by_name(done: Done) -> dict[str, Any]:
    return {each["name"]: each for each in done.json["jobs"]}


def needs(report: Any) -> set[tuple[str, str]]:
    return {(each["topic"], each["subject"]) for each in report["findings"] if each["level"] != "note"}


def test_both_layouts_and_a_backup_are_read_together(bare_cli: Cli, zipped: Zip) -> None:
    uses_all = of_nodes(
        "one",
        node("a", "Shell", scriptName="s1"),
        node("b", "DLI SQL", "a", scriptName="s2"),
        node("c", "Shell", "b", statement="echo", arguments="#{Env.get('region')} ${day}"),
        params=[{"name": "day", "value": "#{Job.getYesterday('yyyyMMdd')}"}],
    )
    first = zipped("DLF_one.zip", {"jobs/one.job": uses_all, "scripts/s1.script": shell("s1")})
    second = zipped("jobs.zip", {"jobs/two/two.job": job("two", "true"), "jobs/one/one.job": uses_all})
    third = zipped(
        "backup.zip",
        {
            "2026-01-01/1_env/env.json": {"params": [{"name": "region", "value": "x"}]},
            "2026-01-01/3_scripts/s2.script": {"name": "s2", "type": "DLISQL", "content": "SELECT 1"},
            "2026-01-01/4_jobs/three.json": job("three", "true"),
        },
    )
    done = bare_cli("assess", first, second, third, "--json")
    assert done.code == 0, done.err
    assert {name: each["verdict"] for name, each in by_name(done).items()} == dict.fromkeys(
        ("one", "two", "three"), "runs"
    ), done.out
    assert done.json["faults"] == []
    assert done.json["totals"]["verdicts"] == {"runs": 3, "needs mapping": 0, "not supported": 0}
    assert bare_cli("assess", first, second, third, "--strict").code == 0
    alone = by_name(bare_cli("assess", first, "--json"))["one"]
    assert alone["verdict"] == "needs mapping"
    assert needs(alone) == {("script", "s2"), ("variable", "region")}


def shell(name: str, text: str = "echo 1") -> dict[str, Any]:
    return {"name": name, "type": "Shell", "content": text}


def test_each_lack_is_named(bare_cli: Cli, zipped: Zip) -> None:
    cron = {
        "expression": "0 0 2 * * ?",
        "startTime": "2018-10-22T23:59:59+08",
        "dependJobs": {"jobs": ["elsewhere", "hive"]},
    }
    entries = {
        "jobs/hive.job": of_nodes("hive", node("h", "Hive SQL", scriptName="gone", connectionName="mrs")),
        "jobs/cdm.job": of_nodes("cdm", node("m", "CDM Job", clusterName="cl", jobName="move")),
        "jobs/need.job": of_nodes(
            "need",
            node("a", "DLISQL", statement="SELECT 1", connectionName="dli", queueName="q1", database="sales"),
            node("b", "Shell", "a", scriptName="s", arguments="${day} #{Job.getCalendarNextWorkday('cal', 1, 'yyyy')}"),
            schedule={"type": "CRON", "cron": cron},
        ),
        "jobs/broken.job": of_nodes("broken", node("a", "Shell", statement="x", arguments="ab #{Job.planTime +}")),
        "jobs/cycle.job": of_nodes("cycle", node("a", "Dummy", "b"), node("b", "Dummy", "a")),
        "jobs/stream.job": {**job("stream", "true"), "processType": "REAL_TIME"},
        "jobs/alias.job": {"name": "alias", "jobType": "BATCH", "schedule": {"scheType": "RUN_ONCE"}}
        | {"nodes": [{"name": "a", "nodeType": "Dummy", "location": {"x": 1, "y": 1}, "nodeProperties": "x=1"}]},
        "jobs/empty.job": of_nodes("empty", node("a", "Shell")),
        "scripts/s.script": shell("s", "for i in 1; do echo ${i} ${HOME}; done # obs://bkt/in.csv\n# #{"),
        "connections/mrs.conn": {"name": "mrs", "type": "HIVE", "config": {}},
    }
    done = bare_cli("assess", zipped("z.zip", entries), "--json")
    assert done.code == 0
    jobs = by_name(done)
    assert {name: each["verdict"] for name, each in jobs.items()} == {
        "hive": "needs mapping",
        "cdm": "needs mapping",
        "need": "needs mapping",
        "broken": "not supported",
        "cycle": "not supported",
        "stream": "runs",
        "alias": "runs",
        "empty": "not supported",
    }, done.out
    assert needs(jobs["hive"]) == {("script", "gone"), ("connection", "mrs")}
    assert "of type HIVE" in json.dumps(jobs["hive"])
    assert needs(jobs["cdm"]) == {("CDM job", "cl/move")}
    assert needs(jobs["need"]) == {
        ("connection", "dli"),
        ("cluster or queue", "q1"),
        ("cluster or queue", "sales"),
        ("variable", "day"),
        ("calendar", "cal"),
        ("object path", "obs://bkt"),
        ("other job", "elsewhere"),
    }
    notes = [each["subject"] for each in jobs["need"]["findings"] if each["level"] == "note"]
    assert "HOME" in notes, "a shell's own variables are no lack"
    assert "i" not in notes
    assert "hive" in notes, "the job that it waits for does not run"
    (fault,) = [each for each in jobs["broken"]["findings"] if each["topic"] == "expression"]
    assert fault["position"] == 19
    assert "cycle" in json.dumps(jobs["cycle"])
    assert [each["name"] for each in done.json["jobs"]][-1] == "stream", "worst first"
    totals = {each["name"]: each for each in done.json["totals"]["nodeTypes"]}
    assert totals["Hive SQL"] == {"name": "Hive SQL", "runs": True, "nodes": 1, "jobs": 1}
    assert totals["Dummy"] == {"name": "Dummy", "runs": True, "nodes": 3, "jobs": 2}
    assert bare_cli("assess", zipped("z.zip", entries), "--strict").code == 1


def test_what_can_not_be_read_is_told_entry_by_entry(bare_cli: Cli, zipped: Zip, tmp_path: Path) -> None:
    good = zipped(
        "mixed.zip",
        {
            "jobs/good.job": job("good", "true"),
            "jobs/torn.job": '{"name": ',
            "jobs/list.job": "[1]",
            "../../climbs.job": job("climbs", "true"),
            "../1_env/climbs": {"name": "x"},
            "jobs/odd.job": {
                "name": "odd",
                "nodes": [1, {"type": 7, "conditions": 1, "properties": "x"}],
                "params": {"a": 1},
                "schedule": {"type": [], "cron": {"dependJobs": {"jobs": 1}}},
            },
            "picture.png": b"\x89PNG",
        },
    )
    differs = zipped("differs.zip", {"jobs/good.job": job("good", "false")})
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"jobs/{number}.job", b"\0" * 15_000_000)
    (tmp_path / "no.zip").write_bytes(b"PK\x05\x06 no zip")
    done = bare_cli("assess", good, differs, str(bomb), str(tmp_path / "no.zip"), "--json")
    assert done.code == 0, done.err
    assert {name: each["verdict"] for name, each in by_name(done).items()} == {
        "good": "runs",
        "odd": "not supported",
    }
    faults = {(Path(each["file"]).name, each["entry"]) for each in done.json["faults"]}
    assert faults == {
        ("mixed.zip", "jobs/torn.job"),
        ("mixed.zip", "jobs/list.job"),
        ("mixed.zip", "../../climbs.job"),
        ("mixed.zip", "../1_env/climbs"),
        ("mixed.zip", "picture.png"),
        ("differs.zip", "jobs/good.job"),
        ("bomb.zip", ""),
        ("no.zip", ""),
    }
    assert "Traceback" not in done.err
    assert bare_cli("assess", good, "--strict").code == 1, "what could not be read might not run"


def test_people_see_totals_and_the_worst_first(bare_cli: Cli, zipped: Zip) -> None:
    entries = {f"jobs/ok{number}.job": job(f"ok{number}", "true") for number in range(30)}
    entries["jobs/[red]bad.job"] = of_nodes("bad", node("h", "MRSSpark", clusterName="[bold]x"))
    done = bare_cli("assess", zipped("z.zip", entries))
    assert done.code == 0
    assert re.search(r"30\s+✓ runs", done.out)
    assert re.search(r"1\s+✗ not supported", done.out)
    assert done.out.index("MRSSpark") < done.out.index("ok0")
    assert "[bold]x" in done.out
    assert "11 more jobs" in done.err
    everything = bare_cli("assess", zipped("z.zip", entries), "--all")
    assert all(f"ok{number}" in everything.out for number in range(30))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not {"src", "href"} & {name for name, _ in attrs}, "the page needs nothing else"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_escapes_what_jobs_say(bare_cli: Cli, zipped: Zip, tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>"
    page = tmp_path / "out.html"
    entries = {"jobs/a.job": of_nodes("a", node("n", nasty, scriptName=nasty, connectionName='"><img src=x>'))}
    done = bare_cli("assess", zipped("z.zip", entries), "--html", str(page), "--json")
    assert done.code == 0
    assert done.json["totals"]["jobs"] == 1, "stdout stays pure JSON"
    text = page.read_text()
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    assert not {"script", "img", "link"} & tags.seen
    assert "&lt;script&gt;" in text
    assert "prefers-color-scheme" in text
    refused = bare_cli("assess", zipped("z.zip", entries), "--html", str(tmp_path / "no" / "out.html"))
    assert refused.code == 1
    assert "can't be written" in refused.err


def test_the_examples_run(bare_cli: Cli, zipped: Zip) -> None:
    folder = EXAMPLES / "myjob"
    entries = {f"jobs/{path.stem}.job": path.read_text() for path in (folder / "jobs").glob("*.json")}
    for path in (folder / "scripts").glob("*.sh"):
        entries[f"scripts/{path.stem}.script"] = json.dumps(shell(path.stem, path.read_text()))
    done = bare_cli("assess", zipped("myjob.zip", entries), "--strict")
    assert done.code == 0, done.out


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("0 0 2 * * ?", ""),
        ("0 0/15 8-17 ? * 2-6", ""),
        ("0 10,40 0 L * ?", ""),
        ("0 0 1 ? * 6#3", ""),
        ("0 0 1 ? * MON-FRI", ""),
        ("5 0 2 1 6 ?", ""),
        ("0 0 2 * *", "not 5"),
        ("60 0 2 * * ?", "second"),
        ("0 61 2 * * ?", "minute"),
        ("0 0 24 * * ?", "hour"),
        ("0 0 2 32 * ?", "day"),
        ("0 0 2 31 6 ?", "no such day"),
        ("0 0 2 ? * 8", "weekday"),
    ],
)
def test_the_shape_of_a_cron_expression(expression: str, part: str) -> None:
    fault = cron_fault(expression)
    assert part in fault
    assert bool(fault) == bool(part)


def test_expressions_with_parameters_inside_are_read_and_positions_are_those_of_the_text() -> None:
    uses = uses_of("""#{${result} > 5 ? Env.get("a") : Job.getParam('b' )} ${c} s3a://x/y""")
    assert (list(uses.environment), list(uses.job_parameters), uses.error) == (["a"], ["b"], None)
    assert uses.parameters == ("result", "c")
    assert uses.object_paths == ("s3a://x/y",)
    error = uses_of("${a_long_name} #{Nobody.knows()}").error
    assert error is not None
    assert error.position == 17


def test_events_that_are_not_received_here_are_named(bare_cli: Cli, zipped: Zip) -> None:
    def by(event_type: str) -> dict[str, Any]:
        return {"type": "EVENT", "event": {"eventType": event_type, "channel": "orders"}}

    stream = {**job("stream", "true"), "processType": "REAL_TIME"}
    stream["nodes"] = [{**stream["nodes"][0], "eventTrigger": {"eventType": "DIS", "channel": "orders"}}]
    entries = {
        "jobs/kafka.job": {**job("kafka", "true"), "schedule": by("KAFKA")},
        "jobs/dis.job": {**job("dis", "true"), "schedule": by("DIS")},
        "jobs/stream.job": stream,
    }
    jobs = by_name(bare_cli("assess", zipped("z.zip", entries), "--json"))
    assert needs(jobs["kafka"]) == set()
    assert needs(jobs["dis"]) == needs(jobs["stream"]) == {("schedule", "DIS")}
