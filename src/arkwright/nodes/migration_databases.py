"""Ends in database files, SQLite and DuckDB, and in the workspace's own database.

A file in obs:// is fetched, changed as a copy, and put back as a whole once its transaction has committed. The record
of the attempt is in the file itself, so a repeat that finds the old file begins anew, and one that finds the new file
is done. One at a time of a process changes such a file; two processes that do put their files over each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from arkwright.nodes.migration_ends import Done, MigrationFailed, Reader, Row, Writer
from arkwright.nodes.migration_plan import Place, Plan
from arkwright.nodes.migration_types import Column, Store
from arkwright.objects.paths import SCHEME

_TURNS: dict[str, threading.Lock] = {}
_TURNS_LOCK = threading.Lock()


class DatabaseEnds:
    """Of one attempt. `wait` raises `Stopped` when it is stopped meanwhile."""

    def __init__(
        self, workspace_folder: Path, spool: Path, settings: Mapping[str, Any], wait: Callable[[float], None]
    ) -> None:
        self._workspace = workspace_folder
        self._spool = spool
        self._settings = settings
        self._wait = wait

    def path_of(self, place: Place, side: str) -> Path:
        """Of the file itself, or of the copy of one in obs://. Raises `PlanWrong`."""
        from arkwright.nodes.migration_files import own_file

        if place.path.startswith(SCHEME):
            return self._spool / f"{side}{'.duckdb' if place.is_duckdb else '.sqlite'}"
        return own_file(self._workspace, place.path)

    def reader(self, path: Path | None, plan: Plan) -> Reader:
        """`path` None: the workspace's own database."""
        if plan.source.is_sqlite:
            from arkwright.nodes.migration_sqlite import SqliteReader

            assert path is not None
            return SqliteReader(path, plan)
        from arkwright.nodes.migration_duckdb import DuckReader

        if path is not None and not path.is_file():
            raise MigrationFailed(f"There is no DuckDB file {plan.source.path} in the workspace.")
        return DuckReader(self._duckdb(path), plan)

    def writer(self, path: Path | None, plan: Plan) -> Writer:
        if plan.target.is_sqlite:
            from arkwright.nodes.migration_sqlite import SqliteWriter

            assert path is not None
            return SqliteWriter(path, plan)
        from arkwright.nodes.migration_duckdb import DuckWriter

        return DuckWriter(self._duckdb(path), plan)

    def _duckdb(self, path: Path | None) -> Any:
        from arkwright.nodes.dlisql import resources
        from arkwright.nodes.duckdb_warehouse import warehouse_of
        from arkwright.nodes.migration_duckdb import OfWorkspace, OwnFile

        if path is not None:
            return OwnFile(path, self._spool, self._wait)
        memory, threads = resources(self._settings)
        return OfWorkspace(warehouse_of(self._workspace, memory_limit_bytes=memory, threads=threads))


class PutBack:
    """A writer on a copy of a database file in obs://."""

    def __init__(
        self,
        name: str,
        fetch: Callable[[], None],
        make: Callable[[], Writer],
        give: Callable[[], None],
        wait: Callable[[float], None],
    ) -> None:
        self._give = give
        with _TURNS_LOCK:
            self._turn = _TURNS.setdefault(name, threading.Lock())
        while not self._turn.acquire(timeout=0.2):
            wait(0)
        try:
            fetch()
            self._inner: Writer = make()
        except BaseException:
            self._turn.release()
            raise
        self.store: Store = self._inner.store
        self._open = True

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        return self._inner.prepare(columns)

    def begin(self, token: str, task: str) -> Done | str | None:
        return self._inner.begin(token, task)

    def write(self, rows: Sequence[Row]) -> None:
        self._inner.write(rows)

    def commit(self, done: Done) -> None:
        self._inner.commit(done)
        self._inner.close()  # the file is whole only then
        self._give()

    def stop(self) -> None:
        self._inner.stop()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._inner.close()
            self._turn.release()
