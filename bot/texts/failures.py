"""Tells the member why there is no video: one entry for each of fal's error types and for each of Wanda's.

fal's own message is never shown, only the numbers in `context` and the option that `location` names. An unknown error
type gets a general sentence and what to do next. fal's types: https://docs.fal.ai/errors
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.jobs.model import Failure
from bot.texts.plain import mebibytes, plain, span
from bot.units import TIMES

_FORMATS_MAX = 8
_WORD_CHARS_MAX = 24


@dataclass(frozen=True, slots=True)
class FailureText:
    """`what` happened and what to do `next`, both in full sentences."""

    what: str
    next: str


Builder: TypeAlias = Callable[[Failure], FailureText]

AGAIN = "Try again in a minute. If it keeps happening, tell an admin here."
_OTHER_FILE = "Try again with another file."
_TRIM = "Trim it and try again."
_PLACES: Mapping[str, str] = {
    "prompt": "the prompt",
    "negative_prompt": "the negative prompt",
    "image_url": "the picture",
    "end_image_url": "the end image",
    "video_url": "the clip",
    "audio_url": "the sound",
    "image_urls": "a picture",
    "reference_image_url": "the reference picture",
    "reference_image_urls": "a reference picture",
    "video_urls": "a clip",
    "reference_video_urls": "a reference clip",
}


def failure_text(failure: Failure) -> FailureText:
    """Return the text for `failure`; an unknown kind gets the general text for its HTTP status."""
    builder = _TABLE.get(failure.kind)
    if builder is not None:
        return builder(failure)
    return _unknown(failure)


def uncertain_text(failure: Failure) -> FailureText:
    """Return the text for a request that fal accepted, or may have, and whose outcome is unknown."""
    if failure.kind in _LOST_BECAUSE:
        why = _LOST_BECAUSE[failure.kind]
        return FailureText(f"fal took it, but {why}.", _LOST_NEXT)
    return _LOST


def _place(failure: Failure, otherwise: str) -> str:
    """Return what the error is about, as in "the prompt" or "a reference picture"; `otherwise` if fal does not say."""
    for part in reversed(failure.location):
        if part in _PLACES:
            return _PLACES[part]
    return otherwise


def _option(failure: Failure) -> str:
    """Return the option's name as fal spells it, with markdown escaped; "one of the options" if fal names none."""
    names = [part for part in failure.location if part not in {"body", ""} and not part.isdigit()]
    if not names:
        return "one of the options"
    words = names[-1].removesuffix("_url").removesuffix("_urls").replace("_", " ")
    return f"the option “{plain(words, _WORD_CHARS_MAX)}”"


def _context_number(failure: Failure, *names: str) -> float | None:
    """Return the first of these entries of the context that is a number below 1e12, or None."""
    for name in names:
        value: Any = (failure.context or {}).get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12:  # noqa: PLR2004
            return value
    return None


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _figure(value: float) -> str:
    return f"{value:,.6g}" if value != int(value) else f"{int(value):,}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value != int(value) else span(value)


def _fixed(what: str, then: str) -> Builder:
    return lambda _failure: FailureText(what, then)


def _policy(failure: Failure) -> FailureText:
    where = _place(failure, "this request")
    change = {
        "the prompt": "Reword it and try again.",
        "the negative prompt": "Reword it and try again.",
        "this request": "Change the prompt or the files and try again.",
    }.get(where, "Try again with another file.")
    return FailureText(f"fal's safety check turned down {where}.", change)


def _image_size(failure: Failure) -> FailureText:
    small = failure.kind == "image_too_small"
    edge = "min" if small else "max"
    width, height = _context_number(failure, f"{edge}_width"), _context_number(failure, f"{edge}_height")
    what = f"{_first_up(_place(failure, 'the picture'))} is too {'small' if small else 'large'} for this mode"
    if width is not None and height is not None:
        limit = f"{_figure(width)} {TIMES} {_figure(height)} pixels"
        what += f", which takes {'at least' if small else 'at most'} {limit}"
    return FailureText(f"{what}.", f"Try again with a {'larger' if small else 'smaller'} one.")


def _file_size(failure: Failure) -> FailureText:
    size_max = _context_number(failure, "max_size")
    limit = f", which takes up to {mebibytes(int(size_max))}" if size_max is not None else ""
    return FailureText(
        f"{_first_up(_place(failure, 'a file'))} is too large for this mode{limit}.",
        "Make it smaller and try again.",
    )


def _duration(failure: Failure) -> FailureText:
    long = failure.kind.endswith("_long")
    kind = "clip" if failure.kind.startswith("video") else "sound"
    limit = _context_number(failure, "max_duration" if long else "min_duration")
    given = _context_number(failure, "provided_duration")
    what = f"{_first_up(_place(failure, f'the {kind}'))} is"
    what += f" {_seconds(given)} long" if given is not None else f" too {'long' if long else 'short'}"
    if limit is not None:
        what += f"; this mode takes {'at most' if long else 'at least'} {_seconds(limit)}"
    elif given is not None:
        what += f", which is too {'long' if long else 'short'} for this mode"
    return FailureText(f"{what}.", _TRIM if long else f"Try again with a longer {kind}.")


def _format(failure: Failure) -> FailureText:
    kind = failure.kind.removeprefix("unsupported_").removesuffix("_format")
    known: Any = (failure.context or {}).get("supported_formats")
    names: list[str] = []
    if isinstance(known, (list, tuple)):
        items: list[Any] = list(known)  # pyright: ignore[reportUnknownArgumentType] - the elements are checked below
        names = [plain(item.lstrip("."), _WORD_CHARS_MAX).upper() for item in items[:_FORMATS_MAX] if _is_word(item)]
    where = _first_up(_place(failure, f"the {kind}"))
    takes = f": it takes {_either(names)}" if names else ""
    return FailureText(
        f"{where} is in a format that this mode can't read{takes}.",
        "Convert it, or try another file.",
    )


def _is_word(item: Any) -> bool:
    return isinstance(item, str) and bool(item.strip(". "))


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _bound(failure: Failure) -> FailureText:
    phrase, names = _BOUNDS[failure.kind]
    limit = _context_number(failure, *names)
    must = f" must be {phrase} {_figure(limit)}" if limit is not None else " is out of range"
    return FailureText(f"fal says {_option(failure)}{must}.", "Change it and try again.")


def _length(failure: Failure) -> FailureText:
    long = failure.kind.endswith("_long")
    limit = _context_number(failure, "max_length" if long else "min_length", "limit_value")
    few = f" takes {'at most' if long else 'at least'} {_figure(limit)}" if limit is not None else ""
    said = few or f" is too {'long' if long else 'short'}"
    return FailureText(f"fal says {_option(failure)}{said}.", "Change it and try again.")


def _value(failure: Failure) -> FailureText:
    return FailureText(f"fal doesn't take this value for {_option(failure)}.", "Choose another one and try again.")


def _file(failure: Failure) -> FailureText:
    where = _place(failure, "one of the files")
    return FailureText(f"fal couldn't open {where}.", _OTHER_FILE)


def _unknown(failure: Failure) -> FailureText:
    if failure.status in {401, 403}:
        return _ACCOUNT
    if failure.status is not None and failure.status >= 500:  # noqa: PLR2004 - HTTP's server errors
        return FailureText("Something went wrong at fal.", AGAIN)
    return FailureText(
        "fal didn't make the video and didn't say why.",
        "Change the prompt or the files and try again, or ask an admin here.",
    )


_ACCOUNT = FailureText(
    "Wanda's fal account needs attention, so no videos can be made right now.",
    "Tell an admin here, and try again once it's fixed.",
)
_LOST_NEXT = "Try again makes a new video, at its own price."
_LOST = FailureText(
    "Wanda sent it to fal, but fal's answer got lost.",
    _LOST_NEXT,
)
_LOST_BECAUSE: Mapping[str, str] = {
    "account": "Wanda's fal account needs attention",
    "refused": "no longer knows it",
    "unreachable": "couldn't be reached for too long",
    "gone": "Wanda lost fal's number for it",
    "unfinished": "didn't finish it in time",
    "senseless": "its answer has no video that Wanda can find",
    "defect": "Wanda ran into a problem with it again and again",
}
_LATE = "fal took too long with this video and gave up."
_RUNNER = "The machine at fal that was making this video dropped out."
_TROUBLE = "Something went wrong at fal."
_BOUNDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "greater_than": ("greater than", ("gt", "limit_value")),
    "greater_than_equal": ("at least", ("ge", "limit_value")),
    "less_than": ("less than", ("lt", "limit_value")),
    "less_than_equal": ("at most", ("le", "limit_value")),
    "multiple_of": ("a multiple of", ("multiple_of", "limit_value")),
}
_TABLE: Mapping[str, Builder] = {
    # The model's own errors.
    "internal_server_error": _fixed(_TROUBLE, AGAIN),
    "downstream_service_unavailable": _fixed("A service that fal needs for this model is down.", AGAIN),
    "downstream_service_error": _fixed("A service that fal needs for this model isn't working.", AGAIN),
    "generation_timeout": _fixed(_LATE, "Try again; a shorter video or a lower resolution is quicker."),
    "content_policy_violation": _policy,
    "no_media_generated": _fixed(
        "Wan finished without making a video.",
        "Reword the prompt or change the file, then try again.",
    ),
    "image_load_error": _file,
    "file_download_error": _file,
    "face_detection_error": _fixed(
        "Wan found no face it can use in the picture.",
        "Try again with a picture of one clear face.",
    ),
    "feature_not_supported": _fixed("This mode can't combine these options.", "Leave one out and try again."),
    "image_too_small": _image_size,
    "image_too_large": _image_size,
    "file_too_large": _file_size,
    "video_duration_too_long": _duration,
    "video_duration_too_short": _duration,
    "audio_duration_too_long": _duration,
    "audio_duration_too_short": _duration,
    "unsupported_image_format": _format,
    "unsupported_video_format": _format,
    "unsupported_audio_format": _format,
    # Errors of one option: fal's types, and pydantic's, which fal passes on.
    **dict.fromkeys(_BOUNDS, _bound),
    **dict.fromkeys(("sequence_too_short", "sequence_too_long", "too_short", "too_long"), _length),
    **dict.fromkeys(("string_too_short", "string_too_long"), _length),
    **dict.fromkeys(("one_of", "literal_error", "enum", "missing", "value_error", "extra_forbidden"), _value),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "float_type", "float_parsing"), _value),
    **dict.fromkeys(("bool_type", "bool_parsing", "string_type", "list_type", "url_parsing", "url_type"), _value),
    # The platform's.
    "request_timeout": _fixed(_LATE, AGAIN),
    "startup_timeout": _fixed("fal couldn't start a machine for this video in time.", AGAIN),
    "runner_scheduling_failure": _fixed("fal found no free machine for this video.", AGAIN),
    "runner_connection_timeout": _fixed(_RUNNER, AGAIN),
    "runner_disconnected": _fixed(_RUNNER, AGAIN),
    "runner_connection_refused": _fixed(_RUNNER, AGAIN),
    "runner_connection_error": _fixed(_RUNNER, AGAIN),
    "runner_incomplete_response": _fixed(_RUNNER, AGAIN),
    "runner_server_error": _fixed(_TROUBLE, AGAIN),
    "client_disconnected": _fixed("The connection to fal broke before the video was made.", AGAIN),
    "client_cancelled": _fixed("It was cancelled at fal.", "Try again whenever you like."),
    "bad_request": _fixed("fal didn't take this request.", "Change the options or the files and try again."),
    "internal_error": _fixed(_TROUBLE, AGAIN),
    # Ours.
    "declined": _fixed("Declined by an approver.", "Ask them why, or try a cheaper setting."),
    "unapproved": _fixed("Nobody approved it in time.", "Try again when somebody is around to approve it."),
    "unasked": _fixed(
        "Wanda couldn't post the request for approval.",
        "Ask an admin to let Wanda post in that channel, then try again.",
    ),
    "removed": _fixed("Wanda was removed from this server before the video began.", "Try again once Wanda is back."),
    "account": lambda _failure: _ACCOUNT,
    "access": _fixed("fal doesn't let Wanda use this model right now.", "Choose another one, and tell an admin here."),
    "refused": _fixed("fal didn't take this request.", AGAIN),
    "unreachable": _fixed("Wanda couldn't reach fal.", AGAIN),
    "lost": lambda _failure: _LOST,
    "undeliverable": _fixed("Discord didn't take the video.", "The link keeps it for about 7 days."),
    "defect": _fixed("Wanda ran into a problem again and again.", AGAIN),
    "gone": _fixed("Wanda lost fal's number for this video.", AGAIN),
    "senseless": _fixed("Wanda doesn't understand fal's answer.", AGAIN),
    "unplayable": _fixed("fal made a file that doesn't play.", AGAIN),
}
KINDS = tuple(_TABLE)  # that have a text of their own
UNCERTAIN_KINDS = ("lost", *_LOST_BECAUSE)
