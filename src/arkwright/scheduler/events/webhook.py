"""Webhooks: a POST with a secret starts a job; its body is `Job.eventData`.

Two ways to prove that one knows the secret, chosen when the hook is made:

* `hmac`: the header `X-Arkwright-Signature: v1=HEX` is HMAC-SHA256 (key: the secret) of `TIMESTAMP.DELIVERY.BODY`,
  with `X-Arkwright-Timestamp` in seconds (at most five minutes off) and `X-Arkwright-Delivery`, an id without dots that
  the sender chooses.
  Or as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
* `bearer`: `Authorization: Bearer SECRET`; the delivery id is optional.

Rules: comparisons take the same time whatever differs, also for hooks that don't exist, and the refusal says nothing
more. One delivery id makes one run for seven days, also after kill -9 (the promise is stored with the instance); the
same id with another body is a conflict. Secrets are sealed at rest and shown once. After a rotation the old secret goes
on being taken for as long as was said. A hook fires whether or not the job's schedule runs; at most `concurrent`
runs at once, more are refused with 429, which senders try again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from arkwright.core.identity import Workspace
from arkwright.engine.clock import Clock
from arkwright.engine.interface import Engine, Occurrence, RunRequest
from arkwright.engine.sealed_values import SealedText
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from arkwright.iam.sealing import Sealer
from arkwright.scheduler.events.base import EVENT_DATA_CHARACTERS
from arkwright.store.base import Definition, IdempotencyKey, Place, Store
from arkwright.store.sealed_record import SealedRow
from arkwright.store.trigger_record import (
    Fired,
    Firing,
    Refusal,
    Trigger,
    TriggerChange,
    TriggerKind,
    TriggerStart,
    TriggerState,
)

BODY_BYTES = 1_000_000
WINDOW_SECONDS = 300
DELIVERY_KEPT_MS = 7 * 24 * 3600 * 1000
MOST_AT_ONCE = 128
DEFAULT_AT_ONCE = 16
OLD_SECRET_SECONDS = 24 * 3600
MOST_HOOKS = 200
"""In a workspace."""

_SLOT = "hook:"
_PREFIX = "whsec_"
_ID = re.compile(r"[0-9a-f]{24}")
_DELIVERY = re.compile(r"[\x21-\x7e]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_NOBODY = "0" * 64
"""Compared with where there is no such hook."""


class Authentication(StrEnum):
    HMAC = "hmac"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What arrived."""

    body: bytes
    authorization: str
    signature: str
    timestamp: str
    delivery: str
    standard: bool = False
    """Signed as Standard Webhooks describes."""


class Webhooks:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        sealer: Sealer,
        workspace: Callable[[Place], Workspace | None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._sealer = sealer
        self._workspace = workspace

    # -- care
    async def create(
        self, job: Definition, *, name: str, authentication: Authentication, concurrent: int, by: str
    ) -> tuple[Trigger, str]:
        """The hook and its secret, which nobody is told again."""
        if job.category != "BATCH":
            raise InvalidInput(
                f"The job {job.name} is a real-time job; a webhook starts batch jobs.",
                field="jobName",
                code=Code.JOB_NOT_BATCH,
            )
        if len(await self._store.triggers_of_place(job.place, TriggerKind.WEBHOOK)) >= MOST_HOOKS:
            raise InvalidInput(f"A workspace holds at most {MOST_HOOKS} webhooks.", hint="Delete those not in use.")
        hook_id, secret = secrets.token_hex(12), _new_secret()
        body = {
            "name": name,
            "authentication": authentication.value,
            "concurrent": concurrent,
            "started_by": by,
            "created_ms": self._clock.now_ms(),
            "version": job.version,
            "secret": self._seal(job.place, hook_id, secret),
        }
        start = TriggerStart(slot=_SLOT + hook_id, kind=TriggerKind.WEBHOOK, body=body)
        (trigger,) = await self._store.start_triggers(job.place, job.id, [start])
        return trigger, secret

    async def of_place(self, place: Place, job_id: int | None = None) -> Sequence[Trigger]:
        found = await self._store.triggers_of_place(place, TriggerKind.WEBHOOK)
        return [each for each in found if job_id in (None, each.job_id)]

    async def get(self, place: Place, hook_id: str) -> Trigger:
        found = await self._find(hook_id)
        if found is None or found.place != place:
            raise NotFound(f"There is no webhook {hook_id} in this workspace.", field="hook_id")
        return found

    async def change(
        self, place: Place, hook_id: str, *, enabled: bool | None, concurrent: int | None, name: str | None
    ) -> Trigger:
        hook = await self.get(place, hook_id)
        body = dict(hook.body)
        if concurrent is not None:
            body["concurrent"] = concurrent
        if name is not None:
            body["name"] = name
        states = {}
        if enabled is not None:
            states = {hook.id: TriggerState.ACTIVE if enabled else TriggerState.DISABLED}
        await self._store.change_triggers(TriggerChange(states=states, bodies={hook.id: body}))
        return await self.get(place, hook_id)

    async def rotate(self, place: Place, hook_id: str, *, keep_seconds: int) -> str:
        """A new secret; the one it replaces is still taken for so long."""
        hook = await self.get(place, hook_id)
        secret = _new_secret()
        body = {key: value for key, value in hook.body.items() if key != "previous"}
        if keep_seconds:
            until_ms = self._clock.now_ms() + keep_seconds * 1000
            body["previous"] = {"secret": hook.body["secret"], "until_ms": until_ms}
        body["secret"] = self._seal(place, hook_id, secret)
        body["rotated_ms"] = self._clock.now_ms()
        await self._store.change_triggers(TriggerChange(bodies={hook.id: body}))
        return secret

    async def delete(self, place: Place, hook_id: str) -> None:
        await self._store.delete_trigger((await self.get(place, hook_id)).id)

    # -- deliveries
    async def deliver(self, project_id: str, hook_id: str, delivery: Delivery) -> Fired:
        """Raises `Unauthenticated`, `IllegalState` (disabled), `TooManyRequests`, `IdempotencyConflict`, and what keeps
        the job from running."""
        hook = await self._find(hook_id)
        if hook is not None and hook.place.project_id != project_id:
            hook = None
        self._authenticate(hook, hook_id, delivery)
        assert hook is not None
        if hook.state is not TriggerState.ACTIVE:
            raise IllegalState("This webhook is disabled.", field="hook_id")
        workspace = self._workspace(hook.place)
        job = await self._store.get_definition_version(hook.job_id, int(hook.body.get("version") or 1))
        if workspace is None or job is None:
            raise NotFound("The job of this webhook is gone.", code=Code.JOB_NOT_FOUND)
        fired = await self._engine.fire(
            RunRequest(
                place=hook.place,
                job_name=job.name,
                by=str(hook.body.get("started_by") or ""),
                time_zone=workspace.time_zone,
                condition_policy=workspace.condition_policy,
                idempotency=self._promise(hook, delivery),
            ),
            Occurrence(
                source=f"WEBHOOK {hook_id}" + (f" {delivery.delivery}" if delivery.delivery else ""),
                data=delivery.body.decode("utf-8", "replace").replace("\0", "\ufffd")[:EVENT_DATA_CHARACTERS],
            ),
            Firing(
                trigger_id=hook.id,
                epoch=hook.epoch,
                owner=None,
                limit=int(hook.body.get("concurrent") or DEFAULT_AT_ONCE),
                settled_by_end=True,
            ),
        )
        match fired.refusal:
            case Refusal.FULL:
                raise TooManyRequests(
                    "As many runs of this webhook as it may have at once are under way.",
                    retry_after_seconds=5,
                    hint="Send the delivery again later.",
                )
            case Refusal.INACTIVE:
                raise IllegalState("This webhook is disabled.", field="hook_id")
        return fired

    def _promise(self, hook: Trigger, delivery: Delivery) -> IdempotencyKey | None:
        if not delivery.delivery:
            return None
        return IdempotencyKey(
            scope=f"hook:{hook.id}",
            key=delivery.delivery,
            request_digest=hashlib.sha256(delivery.body).hexdigest(),
            expires_ms=self._clock.now_ms() + DELIVERY_KEPT_MS,
        )

    def _authenticate(self, hook: Trigger | None, hook_id: str, delivery: Delivery) -> None:
        known = [_NOBODY] if hook is None else self._secrets(hook, hook_id)
        way = Authentication.HMAC if hook is None else Authentication(hook.body["authentication"])
        if delivery.delivery and not _DELIVERY.fullmatch(delivery.delivery):
            raise InvalidInput(
                "X-Arkwright-Delivery must have 1 to 128 visible characters.", field="X-Arkwright-Delivery"
            )
        if way is Authentication.BEARER:
            kind, _, given = delivery.authorization.partition(" ")
            proven = kind.lower() == "bearer" and _any_equal(given.strip(), known)
        else:
            expected = [_signature(secret, delivery) for secret in known]
            given_ones = delivery.signature.split()[:8] if delivery.standard else [delivery.signature]
            proven = any(_any_equal(each, expected) for each in given_ones)
            # A dot in the id would let the parts of what is signed be cut elsewhere: another id, another body.
            named = bool(delivery.delivery) and "." not in delivery.delivery
            proven = proven and named and self._is_recent(delivery.timestamp)
        if hook is None or not proven:
            raise Unauthenticated(
                "The webhook does not exist, or the request does not prove that it knows its secret.",
                hint="Signed: X-Arkwright-Signature, -Timestamp (within 5 minutes) and -Delivery (without dots); else "
                "a bearer token.",
            )

    def _is_recent(self, timestamp: str) -> bool:
        if not _SECONDS.fullmatch(timestamp):
            return False
        return abs(self._clock.now_ms() / 1000 - int(timestamp)) <= WINDOW_SECONDS

    def _secrets(self, hook: Trigger, hook_id: str) -> list[str]:
        known = [self._unseal(hook.place, hook_id, hook.body["secret"])]
        previous = hook.body.get("previous")
        if previous and previous["until_ms"] > self._clock.now_ms():
            known.append(self._unseal(hook.place, hook_id, previous["secret"]))
        return known

    async def _find(self, hook_id: str) -> Trigger | None:
        if not _ID.fullmatch(hook_id):
            return None
        found = await self._store.list_triggers(slot=_SLOT + hook_id)
        return found[0] if found else None

    def _seal(self, place: Place, hook_id: str, secret: str) -> str:
        return base64.b64encode(self._sealer.seal(_bound_to(place, hook_id), secret)).decode()

    def _unseal(self, place: Place, hook_id: str, sealed: str) -> str:
        return self._sealer.unsealed(_bound_to(place, hook_id), base64.b64decode(sealed)).decode()


def sealed_secrets(row: SealedRow) -> Iterator[SealedText]:
    """Those of a webhook, for who gives them another key."""
    if row.table == "event_trigger" and row.column == "body" and row.name.startswith(_SLOT) and row.place is not None:
        body = msgspec.json.decode(row.value)
        bound_to = _bound_to(row.place, row.name.removeprefix(_SLOT))
        for held in (body, body.get("previous") or {}):
            if isinstance(held.get("secret"), str):
                yield SealedText(bound_to=bound_to, text=held["secret"])


def hook_id(trigger: Trigger) -> str:
    return trigger.slot.removeprefix(_SLOT)


def sign(secret: str, *, timestamp: str, delivery: str, body: bytes) -> str:
    """What a sender puts into `X-Arkwright-Signature`."""
    text = f"{timestamp}.{delivery}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def sign_standard(secret: str, *, timestamp: str, delivery: str, body: bytes) -> str:
    """What a sender that follows Standard Webhooks puts into `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix(_PREFIX).encode() + b"==")
    text = f"{delivery}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _signature(secret: str, delivery: Delivery) -> str:
    if delivery.standard:
        return sign_standard(secret, timestamp=delivery.timestamp, delivery=delivery.delivery, body=delivery.body)
    return sign(secret, timestamp=delivery.timestamp, delivery=delivery.delivery, body=delivery.body)


def _any_equal(given: str, known: Sequence[str]) -> bool:
    found = False
    for each in known:
        found |= hmac.compare_digest(given.encode("utf-8", "replace"), each.encode())
    return found


def _new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(33)).decode()


def _bound_to(place: Place, hook_id: str) -> str:
    return f"hook {place.workspace_id}/{hook_id}"
