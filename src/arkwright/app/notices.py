"""The notifier that the settings mean."""

from __future__ import annotations

from arkwright.app.workspace_policies import WorkspacePolicies
from arkwright.engine.clock import Clock
from arkwright.iam.sealing import Sealer
from arkwright.notify.notifier import Notifier
from arkwright.notify.outcome import MailServer
from arkwright.notify.sender import Sender
from arkwright.notify.topic import FIXED_SERVICES
from arkwright.settings import Settings
from arkwright.store.base import Store


def notifier(settings: Settings, store: Store, clock: Clock, sealer: Sealer, policies: WorkspacePolicies) -> Notifier:
    sender = Sender(
        store=store,
        sealer=sealer,
        now_ms=clock.now_ms,
        mail_server=MailServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            user=settings.smtp_user,
            password=settings.smtp_password,
            security=settings.smtp_security,
            sender=settings.mail_from,
        ),
        fence={"allow_loopback_requests": settings.allow_loopback_requests},
        services=FIXED_SERVICES | frozenset(settings.chat_services.replace(",", " ").lower().split()),
        workspace_name=policies.name,
        public_url=settings.public_url,
    )
    return Notifier(store=store, clock=clock, sender=sender, places=policies.places, policy=policies.alerts)
