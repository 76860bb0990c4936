"""Notices by mail, over the server's own SMTP settings: plain text and HTML in one message.

The Message-ID is made of the batch's number, so that a repetition after a crash is known as one by mail systems that
look. The library is the standard one, in a thread: it is a few messages a minute.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from arkwright.notify.message import Message
from arkwright.notify.outcome import MailServer, NotSent
from arkwright.notify.topic import Topic

TIMEOUT_SECONDS = 30.0


async def send(server: MailServer, topic: Topic, message: Message, *, installation: str) -> None:
    if not server.host:
        raise NotSent("Mail is not set up: set ARKWRIGHT_SMTP_HOST and ARKWRIGHT_MAIL_FROM.", final=True)
    mail = mail_of(server, topic, message, installation)
    await asyncio.to_thread(_send, server, topic, mail)


def mail_of(server: MailServer, topic: Topic, message: Message, installation: str) -> EmailMessage:
    mail = EmailMessage()
    try:
        mail["From"] = Address(display_name="Arkwright", addr_spec=server.sender)
        mail["To"] = tuple(Address(addr_spec=each) for each in topic.addresses)
    except (ValueError, IndexError) as error:  # an address that can't be written into a mail
        raise NotSent(f"An address can't be used: {error}.", final=True) from None
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.at_ms / 1000, UTC))
    mail["Message-ID"] = f"<notice-{message.number}@{installation}.arkwright>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail


def _send(server: MailServer, topic: Topic, mail: EmailMessage) -> None:
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, server.password)
            refused = connection.send_message(mail, from_addr=server.sender, to_addrs=list(topic.addresses))
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise NotSent("The mail server took none of the addresses.", final=all(500 <= c < 600 for c in codes)) from None
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"The mail server refused the log-in ({error.smtp_code}).") from None
    except smtplib.SMTPResponseException as error:
        final = 500 <= error.smtp_code < 600
        raise NotSent(f"The mail server answered {error.smtp_code}.", final=final) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"The mail server {server.host}:{server.port} can't be used: {error}.") from None
    if refused:
        raise NotSent(f"Sent, but not to {', '.join(sorted(refused))}, which the mail server refused.", final=True)


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    if server.security == "starttls":
        try:
            connection.starttls(context=ssl.create_default_context())
        except BaseException:
            connection.close()
            raise
    return connection
