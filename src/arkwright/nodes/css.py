"""CSS: sends one request to an OpenSearch or Elasticsearch cluster, by a connection; 2xx is success.

The rules are those of RESTAPI (fence, redirects, caps, `extract`). The connection says `ip`, `port`, `sslEnable`, and
`userName` and `password` for basic authentication. With `outputPath` (obs://…) the answer is also stored there.

When it is repeated: GET, HEAD and PUT are sent again, since their end is the same; whether another one was
carried out before its process died nobody can know: LOST.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace

from arkwright.core.outcome import FailureKind
from arkwright.errors import ArkwrightError
from arkwright.nodes.base import Category, Context, Failed, Log, NodeType, Outcome, Property, Succeeded, Work
from arkwright.nodes.connection_settings import PASSWORD, USER, is_tls, setting, where
from arkwright.nodes.object_storage import storage
from arkwright.nodes.obs_node import read_path
from arkwright.nodes.restapi import OUTPUT, RestApi
from arkwright.nodes.restapi_request import RestRequest, read_request, refused

METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE")
CONNECTIONS = ("CSS", "OpenSearch", "Elasticsearch")
DEFAULT_PORT = 9200
_PATHS = ("path", "requestPath", "requestParameter")


class Css(RestApi):
    type = NodeType(
        name="CSS",
        title="CSS",
        work=Work.HOSTED,
        portable=True,
        category=Category.SERVICE,
        icon="search",
        summary="Sends a request to an OpenSearch or Elasticsearch cluster.",
        needs_connection=True,
        connections=CONNECTIONS,
        properties=(
            Property(name="connectionName", help="The connection to the cluster.", required=True),
            Property(name="method", help="How to ask.", required=True, choices=METHODS),
            Property(name="path", help="What to ask for: /orders/_search.", required=True),
            Property(name="body", help="JSON to send."),
            Property(name="outputPath", help="obs://… where the answer is stored as well."),
            Property(name="extract", help="What to take out of the answer, one name=json.path a line."),
        ),
        example={
            "name": "find",
            "type": "CSS",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "connectionName", "value": "search"},
                {"name": "method", "value": "GET"},
                {"name": "path", "value": "/orders/_search"},
                {"name": "body", "value": '{"query": {"match_all": {}}}'},
            ],
        },
        server="OpenSearch or Elasticsearch. Not tested with one (PyPI, npm, Debian have none), but against HTTP.",
        repeated="GET, HEAD and PUT are sent again; others are LOST.",
    )

    def request(self, context: Context) -> RestRequest | Failed:
        connection = context.connection
        if connection is None:
            return refused("A CSS node needs a connection to the cluster: set connectionName.")
        found = where(connection, DEFAULT_PORT)
        if isinstance(found, Failed):
            return found
        host, port = found
        given = context.properties
        path = next((text for name in _PATHS if (text := given.get(name, "").strip())), "")
        if not path.startswith("/"):
            path = f"/{path}"
        target = given.get("outputPath", "").strip()
        if target:
            place = read_path(target, "outputPath")
            if isinstance(place, Failed):
                return place
        kept = {name: given[name] for name in ("method", "body", "extract") if name in given}
        name = f"[{host}]" if ":" in host else host
        url = f"{'https' if is_tls(connection) else 'http'}://{name}:{port}{path}"
        request = read_request({**kept, "url": url})
        if isinstance(request, Failed):
            return request
        user = setting(connection, USER)
        if user:
            code = base64.b64encode(f"{user}:{setting(connection, PASSWORD)}".encode()).decode()
            request = replace(request, headers=(*request.headers, ("Authorization", f"Basic {code}")))
        return replace(request, repeatable_methods=("GET", "HEAD", "PUT"))

    def host(self, context: Context) -> str:
        return "rest"

    def bound(self, context: Context) -> str | None:
        if not context.properties.get("outputPath", "").strip():
            return None
        return "outputPath is in the object storage, which is reached from the server's machine alone."

    async def run(self, context: Context, log: Log) -> Outcome:
        outcome = await super().run(context, log)
        target = context.properties.get("outputPath", "").strip()
        if isinstance(outcome, Failed) or not target:
            return outcome
        place = read_path(target, "outputPath")
        if isinstance(place, Failed):
            return place
        if place.is_folder:
            place = place.below(f"{context.node_name}-{context.key.instance_id}.json")
        try:
            objects = storage(self._settings, drafts="css")
            await objects.write(place, _piece((context.folder / OUTPUT).read_bytes()))
        except ArkwrightError as error:
            message = f"The answer can't be stored: {error}"
            return Failed(kind=FailureKind.ERROR, message=message, output=OUTPUT)
        log(f"The answer is in {place}.\n".encode(errors="replace"))
        return Succeeded(output=OUTPUT)


async def _piece(data: bytes) -> AsyncIterator[bytes]:
    yield data
