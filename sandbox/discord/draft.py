"""What a request wants a message to be: read from its body, with every fault in one 50035. Pure."""

import re
from dataclasses import dataclass, field
from typing import Any, cast

from sandbox.discord.components import check_message
from sandbox.discord.model import Blob, MessageFlag
from sandbox.discord.schema import Rule, hold, items, join
from sandbox.discord.wire import ApiError, Json, Problems

MAX_EMBED_TEXT = 6000
SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.COMPONENTS_V2 | MessageFlag.EPHEMERAL
)

_COMMON = {
    "content": Rule("str", 2000),
    "embeds": Rule("list", 10),
    "allowed_mentions": Rule("object"),
    "components": Rule("list"),
    "attachments": Rule("list", 10),
    "flags": Rule("int"),
    "tts": Rule("bool"),
}
CREATE = _COMMON | {
    "nonce": Rule("int_or_str", 25),
    "enforce_nonce": Rule("bool"),
    "message_reference": Rule("object"),
    "sticker_ids": Rule("list", 0),
}
EDIT = _COMMON
CALLBACK = _COMMON
WEBHOOK = _COMMON | {"username": Rule("str", 80, 1), "avatar_url": Rule("str", 2048)}

_ICON = {"icon_url": Rule("str", 2048)}
_PICTURE = {
    "url": Rule("str", 2048),
    "proxy_url": Rule("str", 2048),
    "width": Rule("int"),
    "height": Rule("int"),
    "content_type": Rule("str"),
    "placeholder": Rule("str", 64),
    "placeholder_version": Rule("int"),
    "description": Rule("str", 4096),
    "flags": Rule("int"),
}
_EMBED = {
    "type": Rule("str"),
    "url": Rule("str", 2048),
    "title": Rule("str", 256),
    "description": Rule("str", 4096),
    "color": Rule("int", 0xFFFFFF),
    "timestamp": Rule("str"),
    "author": Rule("object"),
    "image": Rule("object"),
    "thumbnail": Rule("object"),
    "footer": Rule("object"),
    "fields": Rule("list", 25),
    "video": Rule("object"),
    "provider": Rule("object"),
    "flags": Rule("int"),
}
_EMBED_PARTS = {
    "author": {"name": Rule("str", 256, 1, required=True), "url": Rule("str", 2048), "proxy_icon_url": Rule("str")}
    | _ICON,
    "footer": {"text": Rule("str", 2048, 1, required=True), "proxy_icon_url": Rule("str")} | _ICON,
    "image": _PICTURE,
    "thumbnail": _PICTURE,
}
_FIELD = {
    "name": Rule("str", 256, 1, required=True),
    "value": Rule("str", 1024, 1, required=True),
    "inline": Rule("bool"),
}
_ATTACHMENT = {
    "id": Rule("id", required=True),
    "filename": Rule("str", 1024, 1),
    "description": Rule("str", 1024),
    "title": Rule("str", 1024),
    "duration_secs": Rule("number"),
    "waveform": Rule("str", 400),
    "is_spoiler": Rule("bool"),
}
# What a client echoes back of an attachment that the message already has.
_KEPT_ATTACHMENT = _ATTACHMENT | {
    key: Rule("any")
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
    "message_id": Rule("id", required=True),
    "channel_id": Rule("id"),
    "guild_id": Rule("id"),
    "fail_if_not_exists": Rule("bool"),
    "type": Rule("int", 1),
}
_MENTIONS = {
    "parse": Rule("list", 3),
    "users": Rule("list", 100),
    "roles": Rule("list", 100),
    "replied_user": Rule("bool"),
}
_USER_MENTION = re.compile(r"<@!?(\d+)>")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    filename: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class NewFile:
    """An upload and what the body says of it."""

    upload: Upload
    filename: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """The wanted message. `given` are the keys the body carried; what it did not carry stays as it was."""

    given: frozenset[str]
    content: str
    embeds: list[Json]
    components: list[Json]
    flags: MessageFlag
    kept_attachments: frozenset[int] | None
    new_files: tuple[NewFile, ...]
    tts: bool = False
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reference_id: int | None = None
    reference_optional: bool = False
    mentioned: frozenset[int] = frozenset()
    allowed_mentions: Json = field(default_factory=dict[str, Any])

    def empty(self) -> bool:
        """Whether it would post nothing at all."""
        return not (self.content or self.embeds or self.components or self.new_files)

    def check_new(self) -> None:
        """Refuse an empty new message.

        Raises:
            ApiError: 50006.
        """
        if self.empty():
            raise ApiError(400, 50006, "Cannot send an empty message")


def read(
    body: Any, uploads: dict[int, Upload], rules: dict[str, Rule], *, path: str = "", layout: bool = False
) -> Draft:
    """The draft in a body. `layout` is whether the edited message already has the Components V2 flag.

    Raises:
        ApiError: 50035, naming every fault.
    """
    problems = Problems()
    kept = hold(problems, path, {} if body is None else body, rules)
    given = frozenset(cast("Json", body) if isinstance(body, dict) else {})
    flags = MessageFlag(int(kept.get("flags", 0)))
    layout = layout or bool(flags & MessageFlag.COMPONENTS_V2)
    if layout and (kept.get("content") or kept.get("embeds")):
        problems.add(
            join(path, "content" if kept.get("content") else "embeds"),
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    listed, new_files = _files(problems, path, kept.get("attachments"), uploads)
    mentions = hold(problems, join(path, "allowed_mentions"), kept.get("allowed_mentions", {}), _MENTIONS)
    reference = kept.get("message_reference")
    if reference is not None:
        reference = hold(problems, join(path, "message_reference"), reference, _REFERENCE)
    draft = Draft(
        given=given,
        content=str(kept.get("content", "")).strip(),
        embeds=_embeds(problems, join(path, "embeds"), kept.get("embeds")),
        components=check_message(problems, join(path, "components"), kept.get("components"), layout=layout),
        flags=flags & SETTABLE,
        kept_attachments=listed if "attachments" in given else None,
        new_files=new_files,
        tts=bool(kept.get("tts", False)),
        nonce=kept.get("nonce"),
        enforce_nonce=bool(kept.get("enforce_nonce", False)),
        reference_id=int(reference["message_id"]) if reference and "message_id" in reference else None,
        reference_optional=bool(reference) and reference.get("fail_if_not_exists") is False,
        mentioned=frozenset(int(found) for found in _USER_MENTION.findall(str(kept.get("content", "")))),
        allowed_mentions=mentions if "allowed_mentions" in given else {},
    )
    problems.raise_any()
    return draft


def _files(
    problems: Problems, path: str, listed: Any, uploads: dict[int, Upload]
) -> tuple[frozenset[int], tuple[NewFile, ...]]:
    """The old attachments that stay, and the new files with their metadata; files not listed come along as they are."""
    keep: set[int] = set()
    described: dict[int, Json] = {}
    for n, item in enumerate(items(listed)):
        where = join(path, f"attachments.{n}")
        kept = hold(problems, where, item, _KEPT_ATTACHMENT)
        number = int(kept.get("id", -1))
        if number in uploads:
            described[number] = kept
        elif 0 <= number <= len(uploads) + 10:
            problems.add(
                join(where, "id"), "ATTACHMENT_NOT_FOUND", f"No file was uploaded for the attachment {number}."
            )
        elif number > 0:
            keep.add(number)
    new = tuple(
        NewFile(
            upload,
            str(described.get(number, {}).get("filename", upload.filename)),
            described.get(number, {}).get("description"),
        )
        for number, upload in sorted(uploads.items())
    )
    return frozenset(keep), new


def _embeds(problems: Problems, path: str, value: Any) -> list[Json]:
    embeds = [_embed(problems, join(path, n), item) for n, item in enumerate(items(value))]
    if sum(_text_length(embed) for embed in embeds) > MAX_EMBED_TEXT:
        problems.add(path, "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TEXT}")
    return embeds


def _embed(problems: Problems, path: str, value: Any) -> Json:
    embed = hold(problems, path, value, _EMBED)
    for key, rules in _EMBED_PARTS.items():
        if key in embed:
            embed[key] = hold(problems, join(path, key), embed[key], rules)
    if "fields" in embed:
        embed["fields"] = [
            {"inline": False} | hold(problems, join(path, f"fields.{n}"), item, _FIELD)
            for n, item in enumerate(items(embed["fields"]))
        ]
    if not embed.keys() - {"type", "flags"}:
        problems.add(join(path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
    for key in ("video", "provider"):
        embed.pop(key, None)
    return embed | {"type": "rich"}


def _text_length(embed: Json) -> int:
    parts = [embed.get("title"), embed.get("description")]
    parts += [embed.get("author", {}).get("name"), embed.get("footer", {}).get("text")]
    for item in embed.get("fields", []):
        parts += [item.get("name"), item.get("value")]
    return sum(len(part) for part in parts if part)
