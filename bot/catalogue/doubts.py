"""Likely mistakes in a request, about which its member is asked before money is spent.

The prompt of Wan 2.7 reference calls the files "Image 1", "Video 1", each kind counted in order
(https://fal.ai/models/fal-ai/wan/v2.7/reference-to-video).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.catalogue.mode import Mode
from bot.catalogue.wan27_image import Wan27Image
from bot.catalogue.wan27_reference import Wan27Reference
from bot.media_spec import MediaKind

DoubtKind: TypeAlias = Literal["no_prompt", "missing_file", "unnamed_clip", "end_of_clip"]

_KINDS: dict[str, MediaKind] = {"image": "image", "video": "video"}
_WRITTEN = re.compile(r"\b(image|video)( ?)([1-9])\b(?![.:,/-]?\d)", re.IGNORECASE)
# "a video 5 seconds long" counts seconds, and names no file.
_COUNTS = re.compile(r"[\s-]*(?:s|secs?|seconds?|m|mins?|minutes?|fps|frames?|px|pixels?|times|[x×%])\b", re.IGNORECASE)
_ABOUT_A_CLIP = re.compile(r"video|clip|footage|film|movie", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One likely mistake. `file` is the name of a missing file as the prompt writes it: "Image 2"."""

    kind: DoubtKind
    file: str = ""


NO_PROMPT = Doubt("no_prompt")


def is_blank(prompt: str | None) -> bool:
    """Return whether a prompt says nothing: it has neither a letter nor a digit, of whatever script, nor an emoji."""
    return not any(
        unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "So"
        for character in prompt or ""
    )


def doubts_of(mode: Mode) -> tuple[Doubt, ...]:
    """Return what is probably a mistake in the request; most requests have none."""
    prompt = str(mode.options().get("prompt") or "")
    return tuple(_doubts(mode, prompt))


def _doubts(mode: Mode, prompt: str) -> Iterator[Doubt]:
    attached = mode.attached()
    is_driven = isinstance(mode, Wan27Image) and "audio" in attached  # by the sound, which says enough
    if is_blank(prompt) and not is_driven:
        yield NO_PROMPT
    if isinstance(mode, Wan27Image) and {"video", "end_image"} <= attached.keys():
        yield Doubt("end_of_clip")
    if isinstance(mode, Wan27Reference):
        yield from _of_references(mode, prompt)


def _of_references(mode: Wan27Reference, prompt: str) -> Iterator[Doubt]:
    there: dict[MediaKind, int] = {
        kind: sum(mode.media()[name].kind == kind for name in mode.attached()) for kind in _KINDS.values()
    }
    named = _names(prompt, there)
    missing = {f"{kind.capitalize()} {number}": None for kind, number in named if number > there[kind]}
    yield from (Doubt("missing_file", name) for name in missing)
    if named and there["video"] and not _ABOUT_A_CLIP.search(prompt):
        yield Doubt("unnamed_clip")


def _names(prompt: str, there: dict[MediaKind, int]) -> list[tuple[MediaKind, int]]:
    """Return the files that the prompt names.

    "Image 2" and "image2" are names. "image 2" may be other words ("in this video 3 dogs run"), and counts only where
    the prompt also names a file that is there.
    """
    sure: list[tuple[MediaKind, int]] = []
    unsure: list[tuple[MediaKind, int]] = []
    for found in _WRITTEN.finditer(prompt):
        word, space, digit = found.groups()
        if _COUNTS.match(prompt, found.end()):
            continue
        name = _KINDS[word.lower()], int(digit)
        (unsure if space and word.islower() else sure).append(name)
    known = any(number <= there[kind] for kind, number in (*sure, *unsure))
    return [*sure, *unsure] if known else sure
