"""The reference page: `/openapi.json` to read, without any other site.

Rules: one page, whose style and program stand in it; the browser is told to run nothing else and to ask nobody else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources

from starlette.responses import Response

from arkwright.api.call import Call
from arkwright.api.route import Access, Route

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


async def show_reference(call: Call) -> Response:
    page, policy = _page()
    return Response(page, headers={"Content-Security-Policy": policy}, media_type="text/html")


@cache
def _page() -> tuple[bytes, str]:
    """The page, and what it may do: run the program and use the style that have these hashes."""
    text = resources.files("arkwright.api").joinpath("reference.html").read_text(encoding="utf-8")
    allowed = {"script": "", "style": ""}
    for kind, inside in _INLINE.findall(text):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        allowed[kind] += f" 'sha256-{digest}'"
    policy = (
        f"default-src 'none'; script-src{allowed['script']}; style-src{allowed['style']}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy


ROUTES = (
    Route(
        method="GET",
        path="/docs",
        handler=show_reference,
        operation="showReference",
        summary="The reference of the API as a page.",
        tag="server",
        access=Access.PUBLIC,
        response=str,
        media_type="text/html",
        ours=True,
    ),
)
