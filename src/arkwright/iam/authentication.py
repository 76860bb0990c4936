"""From a request's credential to an `Actor`: a token, or a signature made with an access key.

Rules:
* Without a valid credential nothing is answered but `Unauthenticated`; there is no other way in.
* A request for a project (`project_id`, from its path) needs a credential for that very project, else `Forbidden`.
  A signature is for the project in the path, if the user's domain owns it.
* A header that decides who somebody is may come only once.
* The body is read only after everything else about a signature was found good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from arkwright.errors import Forbidden, Unauthenticated
from arkwright.iam import signatures
from arkwright.iam.directory import Directory
from arkwright.iam.model import Actor, Method
from arkwright.iam.tokens import HOW_TO_GET_ONE, Tokens, token_hash

RawHeaders = Sequence[tuple[bytes, bytes]]
"""As ASGI gives them: names in lower case, values as they came."""

ReadBody = Callable[[], Awaitable[bytes | str]]
"""The body; or, as a text, the hash (SHA-256, hex) that the caller will hold the body against while it arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The parts of a request that a credential can depend on, as they came over the wire."""

    method: str
    path: bytes
    """Still percent-encoded, without the query (ASGI: `raw_path`)."""
    query: bytes
    headers: RawHeaders
    """Behind a trusted proxy the caller has already put the forwarded host in the place of `host`."""


class Authenticator:
    """Decides who sent a request."""

    def __init__(
        self,
        directory: Directory,
        tokens: Tokens,
        now_ms: Callable[[], int],
        *,
        require_signed_host: bool = True,
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._now_ms = now_ms
        self._require_signed_host = require_signed_host

    def by_cached_token(self, token: str, project_id: str | None) -> Actor | None:
        """The hot path, without waiting. None: nothing known about this token, ask `authenticate`.
        Raises `Forbidden` for another project."""
        return self.by_cached_hash(token_hash(token), project_id)

    def by_cached_hash(self, hashed: bytes, project_id: str | None) -> Actor | None:
        """As `by_cached_token`, by the token's hash."""
        actor = self._tokens.cached_hash(hashed)
        if actor is not None and project_id is not None and actor.project_id != project_id:
            raise _wrong_project(actor, project_id)
        return actor

    async def authenticate(self, request: Request, read_body: ReadBody, *, project_id: str | None) -> Actor:
        """`project_id`: the one in the path; None for paths that have none. `read_body` is called for signed
        requests only. Raises `Unauthenticated`, `Forbidden`, and whatever `read_body` raises."""
        await self._directory.refresh()
        token = _single(request.headers, b"x-auth-token")
        if token:
            actor = await self._tokens.verify(token.decode("latin-1"))
            if project_id is not None and actor.project_id != project_id:
                raise _wrong_project(actor, project_id)
            return actor
        authorization = _single(request.headers, b"authorization")
        if authorization:
            return await self._by_signature(request, authorization, read_body, project_id)
        raise Unauthenticated(
            "The request has neither the header X-Auth-Token nor the header Authorization.", hint=HOW_TO_GET_ONE
        )

    async def _by_signature(
        self,
        request: Request,
        authorization: bytes,
        read_body: ReadBody,
        project_id: str | None,
    ) -> Actor:
        claim = signatures.parse(
            authorization,
            request.headers,
            now_ms=self._now_ms(),
            require_signed_host=self._require_signed_host,
        )
        key = self._directory.access_key(claim.access_key)
        user = self._directory.user(key.user_id) if key is not None and key.enabled else None
        if key is None or user is None or not user.enabled:
            raise Unauthenticated(
                f"The access key {claim.access_key[:64]} is not known here, or no longer.",
                hint="Use an access key that was made for this installation.",
            )
        body = await read_body()
        body_sha256 = body if isinstance(body, str) else signatures.sha256_hex(body)
        claim.verify(
            self._directory.secret_key(key),
            method=request.method,
            path=request.path,
            query=request.query,
            body_sha256=body_sha256,
        )
        return self._signed_actor(request, user.id, project_id)

    def _signed_actor(self, request: Request, user_id: str, project_id: str | None) -> Actor:
        named = (_single(request.headers, b"x-project-id") or b"").decode("latin-1").strip() or None
        if named is not None and project_id is not None and named != project_id:
            raise Forbidden(
                f"The header X-Project-Id names project {named[:64]}, the path project {project_id[:64]}.",
                hint="Use one project in both, or leave the header out.",
            )
        wanted = project_id or named
        user = self._directory.user(user_id)
        actor = None if user is None else self._directory.actor(user, wanted, Method.AKSK)
        if actor is None:
            raise Forbidden(
                f"The access key's user has no project {(wanted or '')[:64]}.",
                hint="GET /v3/auth/projects lists the projects of a credential.",
            )
        return actor


def _wrong_project(actor: Actor, project_id: str) -> Forbidden:
    if actor.project_id is None:
        return Forbidden(
            "The token is scoped to a domain; this call needs one that is scoped to the project in the path.",
            hint=f"Ask POST /v3/auth/tokens for the scope project {project_id[:64]}.",
        )
    return Forbidden(
        f"The token is for project {actor.project_id}, the path names project {project_id[:64]}.",
        hint="Use the path of the token's project, or a token for the path's.",
    )


def _single(headers: RawHeaders, name: bytes) -> bytes | None:
    found = None
    for key, value in headers:
        if key == name:
            if found is not None:
                raise Unauthenticated(f"The header {name.decode()} was sent more than once.")
            found = value
    return found
