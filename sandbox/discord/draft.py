"""The message that a request asks for, read from its body; every mistake is reported in one error 50035."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from mimetypes import guess_type
from typing import Any, cast

from sandbox.discord.components import TEXT, check_message, walk
from sandbox.discord.model import Blob, MessageFlag
from sandbox.discord.schema import KeyRule, as_list, check_link, check_object, subpath
from sandbox.discord.wire import ApiError, Json, Problems

MAX_EMBED_TEXT = 6000
SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.COMPONENTS_V2
    | MessageFlag.EPHEMERAL
    | MessageFlag.VOICE_MESSAGE
)

_COMMON = {
    "content": KeyRule("str", 2000),
    "embeds": KeyRule("list", 10),
    "allowed_mentions": KeyRule("object"),
    "components": KeyRule("list"),
    "attachments": KeyRule("list", 10),
    "flags": KeyRule("int"),
    "tts": KeyRule("bool"),
}
CREATE = _COMMON | {
    "nonce": KeyRule("int_or_str", 25),
    "enforce_nonce": KeyRule("bool"),
    "message_reference": KeyRule("object"),
    "sticker_ids": KeyRule("list", 0),
}
EDIT = _COMMON
CALLBACK = _COMMON
WEBHOOK = _COMMON | {"username": KeyRule("str", 80, 1), "avatar_url": KeyRule("str", 2048)}

_ICON = {"icon_url": KeyRule("str", 2048)}
_PICTURE = {
    "url": KeyRule("str", 2048),
    "proxy_url": KeyRule("str", 2048),
    "width": KeyRule("int"),
    "height": KeyRule("int"),
    "content_type": KeyRule("str"),
    "placeholder": KeyRule("str", 64),
    "placeholder_version": KeyRule("int"),
    "description": KeyRule("str", 4096),
    "flags": KeyRule("int"),
}
_EMBED = {
    "type": KeyRule("str"),
    "url": KeyRule("str", 2048),
    "title": KeyRule("str", 256),
    "description": KeyRule("str", 4096),
    "color": KeyRule("int", 0xFFFFFF),
    "timestamp": KeyRule("str"),
    "author": KeyRule("object"),
    "image": KeyRule("object"),
    "thumbnail": KeyRule("object"),
    "footer": KeyRule("object"),
    "fields": KeyRule("list", 25),
    "video": KeyRule("object"),
    "provider": KeyRule("object"),
    "flags": KeyRule("int"),
}
_EMBED_PARTS = {
    "author": {
        "name": KeyRule("str", 256, 1, required=True),
        "url": KeyRule("str", 2048),
        "proxy_icon_url": KeyRule("str"),
    }
    | _ICON,
    "footer": {"text": KeyRule("str", 2048, 1, required=True), "proxy_icon_url": KeyRule("str")} | _ICON,
    "image": _PICTURE,
    "thumbnail": _PICTURE,
}
_FIELD = {
    "name": KeyRule("str", 256, 1, required=True),
    "value": KeyRule("str", 1024, 1, required=True),
    "inline": KeyRule("bool"),
}
_ATTACHMENT = {
    "id": KeyRule("id", required=True),
    "filename": KeyRule("str", 1024, 1),
    "description": KeyRule("str", 1024),
    "title": KeyRule("str", 1024),
    "duration_secs": KeyRule("number"),
    "waveform": KeyRule("str", 400),
    "is_spoiler": KeyRule("bool"),
}
# What a client repeats of an attachment that the message already has.
_KEPT_ATTACHMENT = _ATTACHMENT | {
    key: KeyRule("any")
    for key in [
        "size",
        "url",
        "proxy_url",
        "content_type",
        "width",
        "height",
        "ephemeral",
        "flags",
        "placeholder",
        "placeholder_version",
    ]
}
_REFERENCE = {
    "message_id": KeyRule("id", required=True),
    "channel_id": KeyRule("id"),
    "guild_id": KeyRule("id"),
    "fail_if_not_exists": KeyRule("bool"),
    "type": KeyRule("int", 1),
}
_MENTIONS = {
    "parse": KeyRule("list", 3),
    "users": KeyRule("list", 100),
    "roles": KeyRule("list", 100),
    "replied_user": KeyRule("bool"),
}
_USER_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that came with a request."""

    filename: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """An uploaded file with its metadata from the body."""

    upload: UploadedFile
    filename: str
    description: str | None = None
    title: str | None = None
    spoiler: bool = False
    seconds: float | None = None
    waveform: str | None = None


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """The message that a body asks for. `given` are the body's keys; an edit leaves everything else as it was.

    `kept_attachments` are what the body says of each attachment to keep; None if it lists none.
    """

    given: frozenset[str]
    content: str
    embeds: list[Json]
    components: list[Json]
    flags: MessageFlag
    kept_attachments: Mapping[int, Json] | None
    new_files: tuple[NewAttachment, ...]
    tts: bool = False
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reference_id: int | None = None
    reference_optional: bool = False
    mentioned: frozenset[int] = frozenset()
    mentioned_roles: frozenset[int] = frozenset()
    allowed_mentions: Json = field(default_factory=dict[str, Any])

    def is_empty(self) -> bool:
        """Return whether there is nothing to post."""
        return not (self.content or self.embeds or self.components or self.new_files)

    def check_new(self) -> None:
        """Check that a new message is not empty, and that a voice message has a sound with its length and no more.

        Raises:
            ApiError: 50006, or 50159 to 50161 (https://discord.com/developers/docs/resources/message#voice-messages).
        """
        if self.is_empty():
            raise ApiError(400, 50006, "Cannot send an empty message")
        if not self.flags & MessageFlag.VOICE_MESSAGE:
            return
        if self.content or self.embeds or self.components:
            raise ApiError(400, 50159, "Voice messages do not support additional content.")
        if len(self.new_files) != 1 or not (guess_type(self.new_files[0].filename)[0] or "").startswith("audio/"):
            raise ApiError(400, 50160, "Voice messages must have a single audio attachment.")
        if self.new_files[0].seconds is None or self.new_files[0].waveform is None:
            raise ApiError(400, 50161, "Voice messages must have supporting metadata.")


def read_draft(
    problems: Problems,
    body: Any,
    uploads: Mapping[int, UploadedFile],
    rules: dict[str, KeyRule],
    *,
    path: str = "",
    layout: bool = False,
) -> MessageDraft:
    """Read a body, adding its mistakes to `problems`.

    `layout` says that the edited message already has the Components V2 flag.

    Raises:
        ApiError: 50035, with every mistake.
    """
    kept = check_object(problems, path, {} if body is None else body, rules)
    raw: Json = cast("Json", body) if isinstance(body, dict) else {}
    given = frozenset(raw)
    flags = MessageFlag(int(kept.get("flags", 0)))
    layout = layout or bool(flags & MessageFlag.COMPONENTS_V2)
    if layout and (kept.get("content") or kept.get("embeds")):
        problems.add(
            subpath(path, "content" if kept.get("content") else "embeds"),
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    if layout and (raw.get("poll") or raw.get("sticker_ids")):
        problems.add(
            subpath(path, "poll" if raw.get("poll") else "sticker_ids"),
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "Polls and stickers cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    listed, new_files = _files(problems, path, kept.get("attachments"), uploads, is_edit=rules is EDIT)
    mentions = check_object(problems, subpath(path, "allowed_mentions"), kept.get("allowed_mentions", {}), _MENTIONS)
    for kind in ("users", "roles"):
        if kind in mentions.get("parse", []) and mentions.get(kind):
            problems.add(
                subpath(path, "allowed_mentions"),
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
    reference = kept.get("message_reference")
    if reference is not None:
        reference = check_object(problems, subpath(path, "message_reference"), reference, _REFERENCE)
    components = check_message(problems, subpath(path, "components"), kept.get("components"), layout=layout)
    pinging = _pinging_text(kept.get("content", ""), components)
    draft = MessageDraft(
        given=given,
        content=str(kept.get("content", "")).strip(),
        embeds=_embeds(problems, subpath(path, "embeds"), kept.get("embeds")),
        components=components,
        flags=flags & SETTABLE,
        kept_attachments=listed if "attachments" in given else None,
        new_files=new_files,
        tts=bool(kept.get("tts", False)),
        nonce=kept.get("nonce"),
        enforce_nonce=bool(kept.get("enforce_nonce", False)),
        reference_id=int(reference["message_id"]) if reference and "message_id" in reference else None,
        reference_optional=bool(reference) and reference.get("fail_if_not_exists") is False,
        mentioned=frozenset(int(found) for found in _USER_MENTION.findall(pinging)),
        mentioned_roles=frozenset(int(found) for found in _ROLE_MENTION.findall(pinging)),
        allowed_mentions=mentions if "allowed_mentions" in given else {},
    )
    problems.raise_any()
    return draft


def _pinging_text(content: Any, components: list[Json]) -> str:
    """Return the text whose mentions may ping: the content, and text displays.

    https://discord.com/developers/docs/components/reference#text-display
    """
    shown = (str(one.get("content", "")) for one in walk(components) if one.get("type") == TEXT)
    return "\n".join((str(content), *shown))


def _files(
    problems: Problems, path: str, listed: Any, uploads: Mapping[int, UploadedFile], *, is_edit: bool
) -> tuple[dict[int, Json], tuple[NewAttachment, ...]]:
    """Return the attachments to keep and the new files, both with what the body says of them.

    Once an edit lists files, only the listed ones are appended
    (https://discord.com/developers/docs/reference#editing-message-attachments).
    """
    keep: dict[int, Json] = {}
    described: dict[int, Json] = {}
    for n, item in enumerate(as_list(listed)):
        where = subpath(path, f"attachments.{n}")
        kept = check_object(problems, where, item, _KEPT_ATTACHMENT)
        number = int(kept.get("id", -1))
        if number in uploads:
            described[number] = kept
        elif 0 <= number <= len(uploads) + 10:
            problems.add(
                subpath(where, "id"), "ATTACHMENT_NOT_FOUND", f"No file was uploaded for the attachment {number}."
            )
        elif number > 0:
            keep[number] = kept
    appended = described.keys() if is_edit and listed is not None else uploads.keys()
    return keep, tuple(_new_file(uploads[number], described.get(number, {})) for number in sorted(appended))


def _new_file(upload: UploadedFile, described: Json) -> NewAttachment:
    return NewAttachment(
        upload,
        str(described.get("filename", upload.filename)),
        described.get("description"),
        described.get("title"),
        bool(described.get("is_spoiler", False)),
        described.get("duration_secs"),
        described.get("waveform"),
    )


def _embeds(problems: Problems, path: str, value: Any) -> list[Json]:
    embeds = [_embed(problems, subpath(path, n), item) for n, item in enumerate(as_list(value))]
    if sum(_text_length(embed) for embed in embeds) > MAX_EMBED_TEXT:
        problems.add(path, "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TEXT}")
    return embeds


def _embed(problems: Problems, path: str, value: Any) -> Json:
    embed = check_object(problems, path, _trimmed(value), _EMBED)
    for key, rules in _EMBED_PARTS.items():
        if key in embed:
            embed[key] = check_object(problems, subpath(path, key), _trimmed(embed[key]), rules)
    if "fields" in embed:
        embed["fields"] = [
            {"inline": False} | check_object(problems, subpath(path, f"fields.{n}"), _trimmed(item), _FIELD)
            for n, item in enumerate(as_list(embed["fields"]))
        ]
    _embed_links(problems, path, embed)
    if not embed.keys() - {"type", "flags"}:
        problems.add(subpath(path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
    for key in ("video", "provider"):
        embed.pop(key, None)
    return embed | {"type": "rich"}


def _trimmed(value: Any) -> Any:
    """Return an object with its texts trimmed (https://discord.com/developers/docs/resources/message#embed-limits)."""
    if not isinstance(value, dict):
        return value
    return {key: item.strip() if isinstance(item, str) else item for key, item in cast("Json", value).items()}


def _embed_links(problems: Problems, path: str, embed: Json) -> None:
    """Check that links are http(s), and those of pictures perhaps the message's own attachments."""
    web, media = ("http", "https"), ("http", "https", "attachment")
    places = (
        ("", "url", web),
        ("author", "url", web),
        ("author", "icon_url", media),
        ("footer", "icon_url", media),
        ("image", "url", media),
        ("thumbnail", "url", media),
    )
    for part, key, schemes in places:
        given = (embed.get(part, {}) if part else embed).get(key)
        if given:
            check_link(problems, subpath(path, f"{part}.{key}" if part else key), given, schemes)


def _text_length(embed: Json) -> int:
    parts = [embed.get("title"), embed.get("description")]
    parts += [embed.get("author", {}).get("name"), embed.get("footer", {}).get("text")]
    for item in embed.get("fields", []):
        parts += [item.get("name"), item.get("value")]
    return sum(len(part) for part in parts if part)
