"""SMN: sends a message to a topic of the workspace: mail, a webhook, a chat.

* The message is put into the server's outbox, from which it is delivered as notices are (repeated while the receiver
  can't be reached, collected where there are very many). The node has succeeded once it is in there.
* NORMAL is a text; STRUCTURE a JSON object of texts, `default` and others for `email`, `http`, `https`; TEMPLATE
  `{"message_template_name": …, "tags": {…}}`, whose template is the text of the script that the node names in
  `scriptName`, with `{tag}` in it replaced.
* No secrets: what a masked parameter holds would be read by everybody whom the topic reaches, so it is refused.

When it is repeated: the outbox knows the attempt, so the message is in it once, whatever crashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import SCRIPT_TEXT, Category, Context, Failed, NodeMessage, NodeType, Property, Work

MESSAGE_TYPES = ("NORMAL", "STRUCTURE", "TEMPLATE")
_WORDS = {"": "NORMAL", "TEXT": "NORMAL", "JSON": "STRUCTURE"}
SUBJECT_CHARACTERS = 512
MESSAGE_BYTES = 10 * 1024
_KINDS = {"mail": ("email",), "webhook": ("https", "http")}
_TAG = re.compile(r"\{([A-Za-z0-9_.-]{1,64})\}")


class Smn:
    type = NodeType(
        name="SMN",
        title="SMN",
        work=Work.MESSAGE,
        category=Category.MESSAGING,
        icon="mail",
        summary="Sends a message to a topic of the workspace: by mail, to a webhook or to a chat.",
        properties=(
            Property(name="topic", help="Name of a topic (`arkwright alert topic`), or its URN.", required=True),
            Property(name="subject", help="Title of the message, up to 512 characters."),
            Property(name="messageType", help="How `message` is written.", choices=MESSAGE_TYPES, default="NORMAL"),
            Property(name="message", help="The message, up to 10 KB; JSON for STRUCTURE and TEMPLATE.", required=True),
            Property(name="scriptName", help="For TEMPLATE: a script whose text is the template, with {tag} in it."),
        ),
        example={
            "name": "tell",
            "type": "SMN",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "topic", "value": "ops"},
                {"name": "subject", "value": "Loaded"},
                {"name": "messageType", "value": "NORMAL"},
                {"name": "message", "value": "The orders of #{DateUtil.format(Job.planTime,'yyyy-MM-dd')} are there."},
            ],
        },
        server="A topic of the workspace, and for mail the server's SMTP settings.",
        repeated="Exactly once into the outbox, under the attempt's own key.",
    )

    def check(self, context: Context) -> Failed | None:
        message = self.message(context)
        return message if isinstance(message, Failed) else None

    def message(self, context: Context) -> NodeMessage | Failed:
        given = context.properties
        hidden = sorted({*("topic", "subject", "message"), SCRIPT_TEXT} & context.secret_places)
        if hidden:
            return _refused(f"{hidden[0]} holds a masked parameter, which a message would show to all it reaches.")
        topic = given.get("topic", "").strip()
        topic = topic.rpartition(":")[2] if topic.lower().startswith("urn:") else topic
        if not topic:
            return _refused("There is no topic.")
        subject = " ".join(given.get("subject", "").split())
        if len(subject) > SUBJECT_CHARACTERS:
            return _refused(f"subject has more than {SUBJECT_CHARACTERS} characters.")
        word = given.get("messageType", "").strip().upper()
        kind = _WORDS.get(word, word)
        if kind not in MESSAGE_TYPES:
            return _refused(f"messageType is {word!r}; it takes {', '.join(MESSAGE_TYPES)}.")
        text = given.get("message", "")
        if not text.strip():
            return _refused("There is no message.")
        if len(text.encode("utf-8", "replace")) > MESSAGE_BYTES:
            return _refused(f"message is longer than {MESSAGE_BYTES // 1024} KB.")
        if "\0" in text + subject:
            return _refused("The message holds a NUL character.")
        if kind == "NORMAL":
            return NodeMessage(topic=topic, subject=subject, text=text)
        document = _object(text)
        if isinstance(document, Failed):
            return document
        if kind == "STRUCTURE":
            return _structure(topic, subject, document)
        return _template(topic, subject, document, context)


def _structure(topic: str, subject: str, document: Mapping[str, Any]) -> NodeMessage | Failed:
    texts = {name.lower(): value for name, value in document.items()}
    if any(not isinstance(value, str) for value in texts.values()) or not texts.get("default"):
        return _refused("A message of type STRUCTURE holds texts, one of them with the name default.")
    by_kind = {
        kind: next(texts[name] for name in names if name in texts)
        for kind, names in _KINDS.items()
        if any(name in texts for name in names)
    }
    return NodeMessage(topic=topic, subject=subject, text=texts["default"], by_kind=by_kind)


def _template(topic: str, subject: str, document: Mapping[str, Any], context: Context) -> NodeMessage | Failed:
    tags = document.get("tags") or {}
    if not isinstance(tags, dict) or not document.get("message_template_name"):
        return _refused("A message of type TEMPLATE has message_template_name and tags.")
    if context.script is None:
        return _refused(
            f"The template {document['message_template_name']!r} is the cloud's. Keep its text as a script here, and "
            "name that in scriptName."
        )
    text = _TAG.sub(lambda found: str(tags.get(found[1], found[0])), context.script.text)
    missing = sorted({name for name in _TAG.findall(context.script.text) if name not in tags})
    if missing:
        return _refused(f"The template has {{{missing[0]}}}, and tags has no {missing[0]!r}.")
    if len(text.encode("utf-8", "replace")) > MESSAGE_BYTES:
        return _refused(f"The message is longer than {MESSAGE_BYTES // 1024} KB.")
    return NodeMessage(topic=topic, subject=subject, text=text)


def _object(text: str) -> dict[str, Any] | Failed:
    try:
        document = json.loads(text)
    except ValueError as fault:
        return _refused(f"message is no JSON: {fault}.")
    if not isinstance(document, dict):
        return _refused("message must be a JSON object.")
    return document


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
