"""For all tests: watches which operation each client calls, and holds `docs/conformance.md` against it.

Rules: only a run of all tests of the watched folders, in which none failed, says anything about the page; any other run
leaves it alone. `--write-conformance` (`make conformance`) writes it, without it a page that is out of step is told of
at the run's end. Under xdist each worker watches, and hands over what it saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from tests import conformance
from tests.conformance import Seen


class Watch:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.recorder = conformance.Recorder()
        self.whole = False
        self.chosen = False
        self.problems: list[str] = []
        self.worker = hasattr(config, "workerinput")
        self.watching = ExitStack()

    # -- while tests run
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.recorder.active = conformance.is_watched(item.path)
        return (yield)

    # -- what was run
    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.chosen |= any(conformance.is_watched(item.path) for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        collected = {item.path for item in session.items}
        if any(map(conformance.is_watched, collected)):
            self.watching.enter_context(conformance.watching(self.recorder))
        self.chosen |= any("::" in str(each) for each in self.config.args)
        self.whole = not (self.chosen or self.config.option.collectonly) and conformance.watched_files() <= collected

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
        elif self.whole and exitstatus == pytest.ExitCode.OK:
            self.problems = [f"An SDK's operation is not tried: {each}." for each in conformance.never_called(seen)]
            if self.problems:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self._compare(seen)

    def _compare(self, seen: Seen) -> None:
        """Only said: what the fuzzing client meets is not the same in every run."""
        page = conformance.page(seen)
        if self.config.getoption("--write-conformance"):
            conformance.PAGE.write_text(page, encoding="utf-8")
        elif not conformance.PAGE.exists() or conformance.PAGE.read_text(encoding="utf-8") != page:
            self.problems.append("docs/conformance.md is out of step with the tests: run `make conformance`.")

    def pytest_unconfigure(self) -> None:
        self.watching.close()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for each in self.problems:
            terminalreporter.write_line(each, red=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-conformance", action="store_true", help="write docs/conformance.md, if all went well")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch(config), "conformance")
