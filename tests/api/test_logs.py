"""Logs of nodes on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.gates import Gate
from tests.api.server import RunningServer, running_server, shell
from tests.api.test_instances import dummy, events, parsed, wait

CAP = 200_000


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("capped") / "data", log_cap_bytes=CAP) as running:
        yield running


@pytest.fixture(scope="module")
def log(server: RunningServer) -> str:
    """Path of a log that holds the digits, and a newline."""
    server.save_job("logged", shell("digits", "echo 0123456789"), dummy("quiet", "digits"))
    instance_id = wait(server, "logged")["instanceId"]
    return f"jobs/logged/instances/{instance_id}/nodes/digits/log"


def test_a_whole_log_is_answered(server: RunningServer, log: str) -> None:
    reply = server.client.get(log)
    assert (reply.status_code, reply.text) == (200, "0123456789\n")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (reply.headers["Content-Length"], reply.headers["Accept-Ranges"]) == ("11", "bytes")
    head = server.client.head(log)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "11")


@pytest.mark.parametrize(
    ("wanted", "content", "part"),
    [
        ("bytes=2-4", "234", "bytes 2-4/11"),
        ("bytes=8-", "89\n", "bytes 8-10/11"),
        ("bytes=-2", "9\n", "bytes 9-10/11"),
        ("bytes=0-0", "0", "bytes 0-0/11"),
    ],
)
def test_a_part_of_a_log_is_answered(server: RunningServer, log: str, wanted: str, content: str, part: str) -> None:
    reply = server.client.get(log, headers={"Range": wanted})
    assert (reply.status_code, reply.text) == (206, content)
    assert reply.headers["Content-Range"] == part
    assert reply.headers["Content-Length"] == str(len(content))


def test_a_part_outside_of_the_log_is_refused_with_its_size(server: RunningServer, log: str) -> None:
    reply = server.client.get(log, headers={"Range": "bytes=11-"})
    assert (reply.status_code, reply.json()["error_code"]) == (416, "DLF.3051")
    assert reply.headers["Content-Range"] == "bytes */11"


def test_a_node_that_writes_nothing_has_an_empty_log(server: RunningServer, log: str) -> None:
    reply = server.client.get(log.replace("digits", "quiet"))
    assert (reply.status_code, reply.text) == (200, "")


def test_a_node_or_attempt_that_is_not_there_is_refused(server: RunningServer, log: str) -> None:
    for path, word in (
        (log.replace("digits", "nobody"), "digits, quiet"),
        (f"{log}?attempt=2", "attempt 2"),
        (f"{log}?attempt=0", "attempt"),
    ):
        reply = server.client.get(path)
        assert (reply.status_code, reply.json()["error_code"]) == (400, "DLF.3051")
        assert word in reply.json()["error_msg"]


def test_an_ended_log_is_streamed_whole_and_from_any_event_on(server: RunningServer, log: str) -> None:
    first, last = events(server, log)
    assert (first["event"], first["id"], first["data"]) == ("log", "11", {"text": "0123456789\n"})
    assert last["event"] == "end"
    assert last["data"] == {"attempt": 1, "status": "success", "newestAttempt": 1}
    assert [each["data"].get("text") for each in events(server, log, **{"Last-Event-ID": "8"})] == ["89\n", None]
    assert [each["event"] for each in events(server, log, **{"Last-Event-ID": "11"})] == ["end"]
    reply = server.client.get(log, headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert reply.json()["error_code"] == "DLF.3051"


def test_a_log_is_followed_while_the_node_runs(server: RunningServer, name: str, tmp_path: Path) -> None:
    first, second = Gate(tmp_path, "first"), Gate(tmp_path, "second")
    statement = f"echo one; {first.statement}; printf 'tw'; {second.statement}; echo 'o ü'; exit 7"
    server.save_job(name, shell("talk", statement))
    path = f"jobs/{name}/instances/{server.start(name)}/nodes/talk/log"
    text, ends = "", []
    with server.client.stream("GET", path, headers={"Accept": "text/event-stream"}) as reply:
        for event in parsed(reply.iter_lines()):
            if event["event"] == "end":
                ends.append(event["data"])
                continue
            assert event["event"] == "log"
            text += event["data"]["text"]
            assert event["id"] == str(len(text.encode()))
            if text == "one\n":
                first.open()
            elif text == "one\ntw":
                second.open()
    assert text == "one\ntwo ü\n"
    [end] = ends
    assert (end["attempt"], end["status"], end["exitCode"]) == (1, "fail", 7)


def test_who_follows_a_log_that_is_cut_is_told_so_and_sees_its_end(capped: RunningServer, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    capped.save_job("long", shell("count", f"seq 1 60000; {gate.statement}; echo the end"))
    path = f"jobs/long/instances/{capped.start('long')}/nodes/count/log"
    text, ids = "", []
    with capped.client.stream("GET", path, headers={"Accept": "text/event-stream"}) as reply:
        for event in parsed(reply.iter_lines()):
            if event["event"] != "log":
                break
            text += event["data"]["text"]
            ids.append(int(event["id"]))
            if "what was here is cut out" in text and text.endswith("60000\n"):
                gate.open()
    assert text.startswith("1\n2\n3\n")
    assert text.endswith("59999\n60000\nthe end\n")
    assert text.count("what was here is cut out") in (1, 2)  # it is cut once more at the end of the program
    assert max(ids) > CAP >= ids[-1]
    # who comes back with the id of an event from before the cut
    again = events(capped, path, **{"Last-Event-ID": "300000"})
    assert "cut out" in again[0]["data"]["text"]
    assert again[-2]["data"]["text"].endswith("the end\n")


def test_a_log_over_its_cap_keeps_its_length_while_it_is_read(capped: RunningServer, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    # more than the cap, and not so much more that it is cut at once
    capped.save_job("over", shell("count", f"yes 123456789 | head -c {CAP + 10}; {gate.statement}"))
    path = f"jobs/over/instances/{capped.start('over')}/nodes/count/log"
    with capped.client.stream("GET", path, headers={"Accept": "text/event-stream"}) as reply:
        for event in parsed(reply.iter_lines()):
            if event["id"] == str(CAP + 10):
                break
    whole = capped.client.get(path)
    assert (len(whole.content), whole.headers["Content-Length"]) == (CAP, str(CAP))
    assert whole.text.startswith("123456789\n" * 10)
    assert whole.text.endswith("123456789\n" * 10)
    assert whole.text.count("what was here is cut out") == 1
    assert capped.client.get(path, headers={"Range": "bytes=-12"}).text == "9\n123456789\n"
    middle = capped.client.get(path, headers={"Range": f"bytes={CAP - 66_000}-{CAP - 65_000}"})
    assert middle.content == whole.content[CAP - 66_000 : CAP - 65_000 + 1]
    gate.open()


def test_a_log_is_awaited_before_its_node_starts(server: RunningServer, name: str, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    server.save_job(name, shell("before", gate.statement), shell("after", "echo late", "before"))
    path = f"jobs/{name}/instances/{server.start(name)}/nodes/after/log"
    assert server.client.get(path).text == ""
    with server.client.stream("GET", path, headers={"Accept": "text/event-stream"}) as reply:
        gate.open()
        found = list(parsed(reply.iter_lines()))
    assert [each["data"].get("text") for each in found] == ["late\n", None]


def test_a_node_that_never_starts_ends_its_stream(server: RunningServer, name: str) -> None:
    server.save_job(name, shell("bad", "exit 1"), shell("never", "echo no", "bad"))
    instance_id = wait(server, name)["instanceId"]
    [end] = events(server, f"jobs/{name}/instances/{instance_id}/nodes/never/log")
    assert end["event"] == "end"
    assert end["data"]["attempt"] == 0


def test_each_attempt_has_a_log_of_its_own(server: RunningServer, name: str, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    server.save_job(name, shell("count", f"echo x >> '{counter}'; wc -l < '{counter}' | tr -d ' '"))
    instance = f"jobs/{name}/instances/{wait(server, name)['instanceId']}"
    assert server.client.post(f"{instance}/restart").status_code == 204
    events(server, f"{instance}/events")
    log = f"{instance}/nodes/count/log"
    assert [server.client.get(f"{log}{query}").text for query in ("?attempt=1", "?attempt=2", "")] == [
        "1\n",
        "2\n",
        "2\n",
    ]
    streamed = events(server, f"{log}?attempt=1")
    assert streamed[0]["data"]["text"] == "1\n"
    assert (streamed[1]["data"]["attempt"], streamed[1]["data"]["newestAttempt"]) == (1, 2)
