"""The checks of the Discord stand-in name the field that is wrong."""

from typing import Any

import pytest

from sandbox.discord import command_rules, draft
from sandbox.discord.attachment_links import attachment_names
from sandbox.discord.components import check_form, check_message
from sandbox.discord.draft import UploadedFile
from sandbox.discord.emoji import is_emoji
from sandbox.discord.model import Blob
from sandbox.discord.transcript import Event, Exchange, Transcript
from sandbox.discord.wire import ApiError, Problems

TEXT_INPUT = {"type": 4, "custom_id": "a", "style": 1}


SELECT = {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}]}
BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}


def label(component: dict[str, Any]) -> dict[str, Any]:
    """A form's field."""
    return {"type": 18, "label": "x", "component": component}


def faults(problems: Problems) -> dict[str, Any]:
    """The faults by field, or nothing."""
    try:
        problems.raise_any()
    except ApiError as error:
        return error.errors or {}
    return {}


def option(**change: Any) -> dict[str, Any]:
    """A command with one option."""
    return {"name": "c", "description": "x", "options": [{"type": 3, "name": "o", "description": "x"} | change]}


@pytest.mark.parametrize(
    "command",
    [
        {"name": "c"},
        {"name": "C", "description": "x"},
        {"name": "c", "description": "x" * 101},
        {"name": "c", "description": "x", "help": "x"},
        option(name="two words"),
        option(min_value=1),
        option(type=4, min_value=3, max_value=2),
        option(choices=[{"name": "a", "value": 1}]),
        option(choices=[{"name": str(n), "value": str(n)} for n in range(26)]),
        option(choices=[{"name": "a", "value": "1"}, {"name": "b", "value": "1"}]),
        option(type=2, options=[{"type": 2, "name": "o", "description": "x"}]),
        {"name": "c", "description": "x", "options": [option()["options"][0]] * 2},
        {
            "name": "c",
            "description": "x",
            "options": [
                {"type": 3, "name": "a", "description": "x"},
                {"type": 3, "name": "b", "description": "x", "required": True},
            ],
        },
        option(choices=[{"name": "a", "value": "v" * 101}]),
        option(choices=[{"name": "a", "value": "1"}], autocomplete=True),
        option(file_types=["image"]),
        option(type=11, file_types=["pdf"]),
        option(type=11, file_types=[".pdf"] * 11),
        option(choices=[{"name": f"{n}" + "n" * 90, "value": f"{n}" + "v" * 5000} for n in range(2)]),
        {"name": "Menu", "description": "x", "type": 3},
    ],
)
def test_a_command_over_discords_limits_is_refused(command: dict[str, Any]) -> None:
    """Names, lengths, counts, order, types and the size in all are checked."""
    problems = Problems()
    command_rules.check_command(problems, "", command)
    assert faults(problems)


def test_a_good_command_comes_back_complete() -> None:
    """The stored command has the fields that Discord fills in."""
    problems = Problems()
    stored = command_rules.check_command(problems, "", option(required=True) | {"default_member_permissions": 8})
    assert not faults(problems)
    assert (stored["type"], stored["default_member_permissions"], stored["nsfw"]) == (1, "8", False)


def test_message_components_are_numbered_and_completed() -> None:
    """Every component gets an id of its own, and a select its bounds."""
    problems = Problems()
    select = {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}]}
    (row,) = check_message(problems, "components", [{"type": 1, "components": [select]}], layout=False)
    assert not faults(problems)
    assert (row["id"], row["components"][0]["id"], row["components"][0]["max_values"]) == (1, 2, 1)


@pytest.mark.parametrize(
    ("components", "path"),
    [
        ([], ""),
        ([{"type": 18, "label": "x" * 46, "component": TEXT_INPUT}], "0.label"),
        ([{"type": 18, "label": "x", "component": TEXT_INPUT | {"max_length": 4001}}], "0.component.max_length"),
        ([{"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "b"}]}], "0.components.0.type"),
        ([{"type": 18, "label": "x", "component": TEXT_INPUT}] * 2, "1.component.custom_id"),
        ([label(SELECT | {"min_values": 0})], "0.component.min_values"),
        ([label(SELECT | {"disabled": True})], "0.component.disabled"),
        ([label({"type": 21, "custom_id": "r", "options": [{"label": "a", "value": "a"}]})], "0.component.options"),
        ([label({"type": 19, "custom_id": "f", "min_values": 0})], "0.component.min_values"),
        ([label({"type": 19, "custom_id": "f", "file_types": ["pdf"]})], "0.component.file_types"),
    ],
)
def test_a_broken_form_names_its_fault(components: list[Any], path: str) -> None:
    """A modal's labels, fields and custom ids are held to their limits."""
    problems = Problems()
    check_form(problems, "", components)
    node = faults(problems)
    assert node
    for step in path.split(".") if path else ():
        node = node[step]


def test_a_form_may_ask_for_nothing_and_for_kinds_of_files() -> None:
    """With `required` false, `min_values` may be 0; file types are kept in lower case."""
    problems = Problems()
    upload = {"type": 19, "custom_id": "f", "min_values": 0, "required": False, "file_types": ["image", ".PDF"]}
    (field,) = check_form(problems, "", [label(upload)])
    assert (faults(problems), field["component"]["file_types"]) == ({}, ["image", ".pdf"])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions"),
        ({"embeds": [{"title": "x", "fields": [{"name": " ", "value": "x"}]}]}, "embeds.0.fields.0.name"),
        ({"embeds": [{"title": "x", "url": "javascript:alert(1)"}]}, "embeds.0.url"),
        ({"embeds": [{"title": "x", "image": {"url": "ftp://x/y"}}]}, "embeds.0.image.url"),
        ({"embeds": [{"title": "x", "url": "attachment://a.png"}]}, "embeds.0.url"),
        ({"components": [{"type": 1, "components": [BUTTON | {"emoji": {"name": "x"}}]}]}, "components.0.components.0"),
        ({"components": [{"type": 1, "id": 7, "components": [BUTTON | {"id": 7}]}]}, "components.0.components.0.id"),
    ],
)
def test_a_message_that_discord_refuses_names_its_fault(body: dict[str, Any], path: str) -> None:
    """Mentions, blank fields, links, emoji and ids are held to Discord's rules."""
    with pytest.raises(ApiError) as refused:
        draft.read_draft(Problems(), body, {}, draft.CREATE)
    node = refused.value.errors or {}
    for step in path.split("."):
        node = node[step]


@pytest.mark.parametrize(
    "body",
    [
        {"allowed_mentions": {"parse": ["users"], "users": []}},
        {"allowed_mentions": {"parse": ["everyone"], "users": ["1"]}},
        {"embeds": [{"title": "x", "url": "https://x.y", "image": {"url": "attachment://a.png"}}]},
        {"components": [{"type": 1, "components": [BUTTON | {"emoji": {"name": "🔁"}}]}]},
        {"components": [{"type": 1, "components": [BUTTON | {"emoji": {"id": "5", "name": "x"}}]}]},
    ],
)
def test_a_message_within_the_rules_is_taken(body: dict[str, Any]) -> None:
    """What stands beside those rules is allowed."""
    draft.read_draft(Problems(), body, {}, draft.CREATE)


def test_ids_that_components_state_are_not_given_to_others() -> None:
    """A component without an id gets one that no other has."""
    row = {"type": 1, "components": [BUTTON | {"id": 1}]}
    (checked,) = check_message(Problems(), "", [row], layout=False)
    assert (checked["id"], checked["components"][0]["id"]) == (2, 1)


def test_an_unknown_key_is_a_mistake_only_to_the_strict() -> None:
    """Discord ignores keys that it does not know; the project's own tests do not."""
    with pytest.raises(ApiError):
        draft.read_draft(Problems(), {"content": "x", "contents": "x"}, {}, draft.CREATE)
    wanted = draft.read_draft(Problems(is_strict=False), {"content": "x", "contents": "x"}, {}, draft.CREATE)
    assert wanted.content == "x"


@pytest.mark.parametrize(
    "name", ["🔁", "✉️", "❌", "1️⃣", "🏳️‍🌈", "👍🏽", "🇩🇪", "\u2139\ufe0f", "wanda:123", "a:spin:123", "‼️"]
)
def test_an_emoji_is_one(name: str) -> None:
    """Pictures, symbols, keycaps, flags and custom emoji are emoji."""
    assert is_emoji(name)


@pytest.mark.parametrize("name", ["", "a", "ä", "1", "ok", "日", ":)", "🔁a", "\u200d", "wanda:x"])
def test_a_text_is_no_emoji(name: str) -> None:
    """Letters, digits and mixtures are not."""
    assert not is_emoji(name)


def test_a_draft_keeps_what_its_body_did_not_carry() -> None:
    """Only the given keys count as a change; uploads without metadata keep their own names."""
    upload = UploadedFile("film.mp4", Blob(3, b"abc"))
    wanted = draft.read_draft(Problems(), {"content": " hi <@5> "}, {0: upload}, draft.EDIT)
    assert (wanted.given, wanted.content, wanted.kept_attachments) == (frozenset({"content"}), "hi <@5>", None)
    assert ([file.filename for file in wanted.new_files], wanted.mentioned) == (["film.mp4"], frozenset({5}))


def test_names_of_attachments_are_found_at_any_depth() -> None:
    """Embeds and layouts refer to uploads as `attachment://name`."""
    assert attachment_names(
        [{"image": {"url": "attachment://a.png"}}, {"items": [{"media": {"url": "attachment://b"}}]}]
    ) == {
        "a.png",
        "b",
    }


def test_the_transcript_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest entries go when there are too many, and every line is JSON of its own."""
    monkeypatch.setattr("sandbox.discord.transcript.KEPT", 2)
    transcript = Transcript()
    transcript.add(Event("READY", b"{}"))
    transcript.add(Exchange("GET", "/x", b"", 204, b"", 1.5))
    transcript.add(Event("RESUMED", b'{"a":1}'))
    assert b"".join(transcript.lines()).decode().splitlines() == [
        '{"method":"GET","path":"/x","request":null,"status":204,"response":null,"ms":1.50}',
        '{"event":"RESUMED","data":{"a":1}}',
    ]


UNFIT_MEDIA: list[tuple[dict[str, Any], str]] = [
    ({"type": 12, "items": []}, "BASE_TYPE_BAD_LENGTH"),
    ({"type": 12, "items": [{"media": {"url": "https://a.b/c.png"}}] * 11}, "BASE_TYPE_BAD_LENGTH"),
    ({"type": 12, "items": [{"media": {"url": "ftp://a.b/c.png"}}]}, "URL_TYPE_INVALID_SCHEME"),
    ({"type": 13, "file": {"url": "https://a.b/c.txt"}}, "URL_TYPE_INVALID_SCHEME"),
    ({"type": 11, "media": {"url": "attachment://c.png"}}, "UNION_TYPE_CHOICES"),
    ({"type": 17, "components": [{"type": 17, "components": []}]}, "UNION_TYPE_CHOICES"),
]


@pytest.mark.parametrize(("component", "code"), UNFIT_MEDIA)
def test_media_of_a_layout(component: dict[str, Any], code: str) -> None:
    """A gallery has 1 to 10 items from the web or the message, a file is the message's own, frames hold no frames."""
    problems = Problems()
    check_message(problems, "components", [component], layout=True)
    with pytest.raises(ApiError) as refused:
        problems.raise_any()
    assert code in str(refused.value.body())


@pytest.mark.parametrize("field", ["content", "embeds", "poll", "sticker_ids"])
def test_what_a_layout_does_not_go_with(field: str) -> None:
    """A message of layout components has no content, embeds, poll or stickers."""
    values: dict[str, Any] = {
        "content": "x",
        "embeds": [{"title": "x"}],
        "poll": {"question": {}},
        "sticker_ids": ["1"],
    }
    body: dict[str, Any] = {"flags": 1 << 15, "components": [{"type": 10, "content": "x"}], field: values[field]}
    with pytest.raises(ApiError) as refused:
        draft.read_draft(Problems(), body, {}, draft.CREATE)
    assert "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2" in str(refused.value.body())
