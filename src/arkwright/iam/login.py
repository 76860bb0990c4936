"""Log-in with a password: who it is, whether they may, and the token they get.

Rules:
* Wrong name, wrong password, disabled user and foreign domain are one answer, after the same work.
* An attempt is admitted when its turn to be checked comes: attempts under way count as failed until they are not, and
  many right ones side by side must not hold each other up.
* The scope is looked at only after the password was right.
* No scope: the domain's only project if it has just one (Keystone's default project), else the domain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from arkwright.core.identity import Domain, IdentityRecord, User
from arkwright.errors import InvalidInput, Unauthenticated
from arkwright.iam.directory import Directory
from arkwright.iam.keystone import PasswordLogin, Scope, ScopeKind
from arkwright.iam.passwords import Passwords
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import IssuedToken, Tokens


class Login:
    """Exchanges passwords for tokens."""

    def __init__(
        self,
        directory: Directory,
        passwords: Passwords,
        throttle: Throttle,
        tokens: Tokens,
        now_ms: Callable[[], int],
        *,
        at_once: int = 2,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._throttle = throttle
        self._tokens = tokens
        self._now_ms = now_ms
        self._turn = asyncio.Semaphore(at_once)

    async def log_in(self, asked: PasswordLogin, source: str) -> IssuedToken:
        """source: the client's address. Raises `Unauthenticated`, `TooManyRequests`, `InvalidInput`."""
        async with self._turn:
            user, new_hash = await self._checked(asked, source)
        if new_hash is not None:
            await self._replace_hash(user, new_hash)
        current = self._directory.user(user.id) or user
        return await self._tokens.issue(current, self._project_id(current, asked.scope))

    async def _checked(self, asked: PasswordLogin, source: str) -> tuple[User, str | None]:
        """The user whose password was right, and a better hash of it."""
        await self._directory.refresh()
        user = self._user(asked)
        counted_as = user.id if user is not None else f"{asked.user_name or asked.user_id}"
        self._throttle.admit(counted_as, source, self._now_ms() / 1000)
        known_hash = user.password_hash if user is not None and user.enabled else None
        verdict = await self._passwords.verify(known_hash, asked.password)
        if user is None or not verdict.correct:
            raise Unauthenticated("The user name or password is wrong.", hint="Name the user's domain as well.")
        self._throttle.succeeded(counted_as, source)
        return user, verdict.new_hash

    def _user(self, asked: PasswordLogin) -> User | None:
        if asked.user_id is not None:
            return self._directory.user(asked.user_id)
        domain: Domain | None
        if asked.domain_id is not None:
            domain = self._directory.domain(asked.domain_id)
        elif asked.domain_name is not None:
            domain = self._directory.domain_named(asked.domain_name)
        else:
            domain = self._directory.only_domain()
            if domain is None:
                raise InvalidInput(
                    "auth.identity.password.user.domain is missing.", field="auth.identity.password.user.domain"
                )
        return None if domain is None else self._directory.user_named(domain.id, asked.user_name or "")

    def _project_id(self, user: User, scope: Scope) -> str | None:
        projects = self._directory.projects_of(user.domain_id)
        match scope.kind:
            case ScopeKind.NONE:
                return projects[0].id if len(projects) == 1 else None
            case ScopeKind.DOMAIN:
                self._check_domain(user, scope.id, scope.name)
                return None
            case ScopeKind.PROJECT:
                self._check_domain(user, scope.domain_id, scope.domain_name)
                if scope.id is not None:
                    found = next((project for project in projects if project.id == scope.id), None)
                else:
                    found = self._directory.project_for_scope(user.domain_id, scope.name or "")
                if found is None:
                    raise Unauthenticated(
                        f"The user has no project {(scope.id or scope.name or '')[:64]}.",
                        hint="GET /v3/auth/projects lists the user's projects.",
                    )
                return found.id

    def _check_domain(self, user: User, domain_id: str | None, name: str | None) -> None:
        if domain_id is not None and domain_id != user.domain_id:
            raise Unauthenticated(f"The user does not belong to domain {domain_id[:64]}.")
        if name is not None and self._directory.domain_named(name) != self._directory.domain(user.domain_id):
            raise Unauthenticated(f"The user does not belong to domain {name[:64]}.")

    async def _replace_hash(self, user: User, new_hash: str) -> None:
        def rows() -> Sequence[IdentityRecord]:
            current = self._directory.user(user.id)
            if current is None or current.password_hash != user.password_hash:
                return ()  # somebody reset the password meanwhile: theirs stays
            return (msgspec.structs.replace(current, password_hash=new_hash),)

        await self._directory.change(rows)
