"""The console's files: one page and what it loads, built from `ui/` into the package. The server works without them.

Rules: the page may load and ask this server only (its Content-Security-Policy); files whose names hold a digest are
kept by browsers for good, the page never.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from arkwright.api.call import Call
from arkwright.api.error_codes import ROUTE_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Access, Route

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Arkwright</title>
<h1>Arkwright</h1><p>The server runs. Its console was not built: <code>make ui</code> does that where Node.js is.</p>
<p><a href="/docs">The API</a></p>"""


@cache
def _folder() -> Path | None:
    folder = Path(str(resources.files("arkwright"))) / "console"
    return folder if (folder / "index.html").is_file() else None


@cache
def _assets() -> Mapping[str, Path]:
    """By their names in an address. What is asked for never becomes a path."""
    folder = _folder()
    if folder is None:
        return {}
    return {each.relative_to(folder).as_posix(): each for each in (folder / "assets").rglob("*") if each.is_file()}


async def show_start(call: Call) -> Response:
    return RedirectResponse("/console/")


async def show_console(call: Call) -> Response:
    """A file of the console, or its page, which reads the rest of the address itself."""
    folder = _folder()
    if folder is None:
        return HTMLResponse(_NOT_BUILT, headers={**_HEADERS, "Cache-Control": "no-store"})
    name = call.path.get("path", "")
    if name.startswith("assets/"):
        path, gzipped = _assets().get(name), _assets().get(f"{name}.gz")
        if path is None:
            raise HttpRefusal(ROUTE_NOT_FOUND)
        if b"gzip" in call.headers.get(b"accept-encoding", b"") and gzipped is not None:
            media = FileResponse(path).media_type
            more = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return FileResponse(gzipped, media_type=media, headers={**_HEADERS, **more, "Cache-Control": _FOR_GOOD})
        return FileResponse(path, headers={**_HEADERS, "Cache-Control": _FOR_GOOD})
    return FileResponse(folder / "index.html", headers={**_HEADERS, "Cache-Control": "no-cache"})


def _page(path: str, handler: object, operation: str, summary: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,  # type: ignore[arg-type]
        operation=operation,
        summary=summary,
        tag="console",
        access=Access.PUBLIC,
        response=str,
        media_type="text/html",
        ours=True,
    )


ROUTES = (
    _page("/", show_start, "showStart", "To the console."),
    _page("/console/", show_console, "showConsole", "The console."),
    _page("/console/{path:path}", show_console, "showConsoleFile", "The console, and its files."),
)
