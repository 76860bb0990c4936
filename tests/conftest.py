"""For all tests: hands out what takes long first (`tests/order.py`), watches which operation each client calls, and
holds `docs/conformance.md` against it.

Rules: only a run of all tests that count for the page (`conformance.counts`), in which none failed or was skipped, says
anything about it; any other run leaves it alone. `--write-conformance` (`make conformance`) writes it; without it, a
page that is out of step fails the run at its end. Under xdist each worker watches, and hands over what it saw.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests import conformance, order
from tests.conformance import Seen


class Watch:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.recorder = conformance.Recorder()
        self.whole = False
        self.chosen = False
        """Some of the tests that count are not run."""
        self.left_out: set[Path] = set()
        """Files of tests that are not run."""
        self.problems: list[str] = []
        self.worker = hasattr(config, "workerinput")
        self.watching = ExitStack()

    # -- while tests run
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.recorder.active = conformance.counts(item)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        uncounted = any(mark in report.keywords for mark in conformance.UNCOUNTED)
        self.chosen |= report.skipped and not uncounted and conformance.is_watched(conformance.TOP / report.location[0])

    # -- what was run
    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.chosen |= any(map(conformance.counts, items))
        self.left_out |= {item.path for item in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        collected = {item.path for item in session.items}
        if any(map(conformance.is_watched, collected)):
            self.watching.enter_context(conformance.watching(self.recorder))
        self.chosen |= any("::" in str(each) for each in self.config.args)
        whole = conformance.watched_files() <= collected | self.left_out
        self.whole = whole and not (self.chosen or self.config.option.collectonly)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker is done (xdist)."""
        said = getattr(node, "workeroutput", {}).get("conformance")
        if said is not None:
            self.whole = said["whole"]
            self.recorder.seen.update((operation, client, outcome) for operation, client, outcome in said["seen"])

    # -- at the end
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        seen: Seen = self.recorder.seen
        if self.worker:
            said = {"whole": self.whole, "seen": sorted(map(list, seen))}
            self.config.workeroutput["conformance"] = said  # type: ignore[attr-defined]
        elif self.whole and not self.chosen and exitstatus == pytest.ExitCode.OK:
            self.problems = self._compared(seen)
            if self.problems:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self.config.getoption("--write-conformance"):
            self.problems = ["docs/conformance.md was not written: that takes all its tests, none failed or skipped."]

    def _compared(self, seen: Seen) -> list[str]:
        page = conformance.page(seen)
        stored = conformance.PAGE.read_text(encoding="utf-8") if conformance.PAGE.exists() else ""
        problems = [f"An SDK's operation is not tried: {each}." for each in conformance.never_called(seen)]
        if self.config.getoption("--write-conformance"):
            conformance.PAGE.write_text(page, encoding="utf-8")
        elif stored != page:
            problems.append("docs/conformance.md is out of step with the tests: `make conformance` writes it anew.")
            problems += [f"  {line}" for line in conformance.differences(stored, page)[:10]]
        return problems

    def pytest_unconfigure(self) -> None:
        self.watching.close()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for each in self.problems:
            terminalreporter.write_line(each, red=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = order.ordered(items)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Any:
    """Ten thousand tests and all that they import stay to the end: there is no garbage among them to be looked for,
    neither while they are found nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # what is written in C counts at the very end what it has lost


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-conformance", action="store_true", help="write docs/conformance.md, if all went well")


def pytest_configure(config: pytest.Config) -> None:
    # A shell's background job ignores it, and so would every program that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says something about the machine's other work, and nothing about ours.
    settings.register_profile("tests", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")
    config.pluginmanager.register(Watch(config), "conformance")
