import re
from typing import Any

import pytest

from bot.fal.wire.error_types import ERROR_TYPES
from bot.jobs.model import Failure
from bot.texts import failures
from sandbox.fal.errors import MODEL, PLATFORM

# Failures that Wanda names herself.
OURS = (
    "access",
    "account",
    "refused",
    "unreachable",
    "lost",
    "gone",
    "undeliverable",
    "declined",
    "unapproved",
    "unasked",
    "removed",
)


@pytest.mark.parametrize("kind", [*sorted(ERROR_TYPES), *OURS])
def test_every_kind_has_its_own_sentence(kind: str) -> None:
    """Each error type of fal, and each of ours, is told in whole sentences that say what to do next."""
    told = failures.failure_text(Failure(kind=kind, status=422))
    assert told != failures.failure_text(Failure(kind="no_such_type", status=422))
    for sentence in (told.what, told.next):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence.startswith("fal")
        assert kind not in sentence or "_" not in kind


@pytest.mark.parametrize(
    ("kind", "location", "context", "said"),
    [
        ("content_policy_violation", ("body", "prompt"), {}, "turned down the prompt"),
        ("content_policy_violation", ("body", "image_url"), {}, "turned down the picture"),
        ("image_too_small", ("body", "image_url"), {"min_width": 240, "min_height": 240}, "at least 240 \u00d7 240"),
        ("image_too_large", (), {"max_width": 8000, "max_height": 8000}, "at most 8,000 \u00d7 8,000 pixels"),
        ("file_too_large", ("body", "video_url"), {"max_size": 104_857_600}, "The clip is too large"),
        ("file_too_large", (), {"max_size": 104_857_600}, "100 MB"),
        (
            "video_duration_too_long",
            (),
            {"max_duration": 10, "provided_duration": 12.4},
            "12.4 s long; this mode takes",
        ),
        ("audio_duration_too_short", (), {"min_duration": 2}, "too short; this mode takes at least 2 s"),
        ("unsupported_audio_format", (), {"supported_formats": [".wav", "mp3"]}, "it takes WAV or MP3"),
        ("greater_than_equal", ("body", "seed"), {"ge": 0}, "must be at least 0"),
        ("multiple_of", ("body", "num_frames"), {"multiple_of": 4}, "\u201cnum frames\u201d must be a multiple of 4"),
        ("sequence_too_long", ("body", "image_urls"), {"max_length": 5}, "takes at most 5"),
    ],
)
def test_the_numbers_are_told(kind: str, location: tuple[str, ...], context: dict[str, Any], said: str) -> None:
    """A limit that fal names stands in the sentence, with what it is about."""
    assert said in failures.failure_text(Failure(kind=kind, location=location, context=context)).what


@pytest.mark.parametrize("kind", [*MODEL, *PLATFORM])
def test_no_text_names_the_type_of_the_error(kind: str) -> None:
    """With the place and the numbers that fal gives, each error is told in full sentences without fal's name for it."""
    known = {**MODEL, **PLATFORM}[kind]
    failure = Failure(kind=kind, status=known.status, location=known.location, context=known.context)
    told = failures.failure_text(failure)
    assert kind not in told.what + told.next
    assert (told.what[-1], told.next[-1]) == (".", ".")


@pytest.mark.parametrize("context", [None, {"max_width": "9" * 500}, {"max_width": float("inf")}, {"max_width": True}])
def test_strange_numbers_are_left_out(context: dict[str, Any] | None) -> None:
    """A context without sane numbers gives the sentence without numbers."""
    assert (
        failures.failure_text(Failure(kind="image_too_large", context=context)).what
        == "The picture is too large for this mode."
    )


def test_an_unknown_kind_shows_nothing_of_fals_message() -> None:
    """fal's own text is never shown, and an unknown kind still says what to do."""
    told = failures.failure_text(Failure(kind="brand_new", status=422, message="secret <@1> stack trace"))
    assert "secret" not in told.what + told.next
    assert "admin" in told.next


@pytest.mark.parametrize("status", [401, 403])
def test_account_trouble_is_not_the_members_fault(status: int) -> None:
    """401 and 403 are told as trouble with Wanda's account, and point to an admin."""
    told = failures.failure_text(Failure(kind="whatever", status=status))
    assert "Wanda's fal account" in told.what
    assert "admin" in told.next


@pytest.mark.parametrize("place", ["image_url", "image_urls", "reference_image_urls", "video_url", "audio_url"])
@pytest.mark.parametrize("kind", ["content_policy_violation", "file_too_large", "file_download_error"])
def test_files_have_the_names_that_they_have_everywhere(kind: str, place: str) -> None:
    """What a member attached is a picture, a clip or a sound, as in Wanda's own refusals, and no image or audio."""
    what = failures.failure_text(Failure(kind=kind, location=("body", place))).what
    assert re.search(r"\b(picture|clip|sound)\b", what)
    assert not re.search(r"\b(image|audio)\b", what)
