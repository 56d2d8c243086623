"""PURE. Every way fal says that no video was made, as data: the table of `reference/fal.md`.

A type that is missing here is an unknown one: it keeps fal's own name and is not retryable.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

UNKNOWN = "unknown"
Source = Literal["model", "platform"]


class ErrorType(NamedTuple):
    """Who says it, with which HTTP statuses, and whether the same request may work another time."""

    source: Source
    statuses: tuple[int, ...]
    retryable: bool = False


_REFUSED = ErrorType("model", (422,))
_RUNNER = ErrorType("platform", (503,), retryable=True)

KINDS: Mapping[str, ErrorType] = {
    "internal_server_error": ErrorType("model", (500,), retryable=True),
    "downstream_service_unavailable": ErrorType("model", (500,), retryable=True),
    "generation_timeout": ErrorType("model", (504,), retryable=True),
    "downstream_service_error": ErrorType("model", (400, 500), retryable=True),
    "content_policy_violation": _REFUSED,
    "no_media_generated": _REFUSED,
    "image_load_error": _REFUSED,
    "file_download_error": _REFUSED,
    "face_detection_error": _REFUSED,
    "feature_not_supported": _REFUSED,
    "image_too_small": _REFUSED,
    "image_too_large": _REFUSED,
    "file_too_large": _REFUSED,
    "video_duration_too_long": _REFUSED,
    "video_duration_too_short": _REFUSED,
    "audio_duration_too_long": _REFUSED,
    "audio_duration_too_short": _REFUSED,
    "unsupported_image_format": _REFUSED,
    "unsupported_video_format": _REFUSED,
    "unsupported_audio_format": _REFUSED,
    "greater_than": _REFUSED,
    "greater_than_equal": _REFUSED,
    "less_than": _REFUSED,
    "less_than_equal": _REFUSED,
    "multiple_of": _REFUSED,
    "one_of": _REFUSED,
    "sequence_too_short": _REFUSED,
    "sequence_too_long": _REFUSED,
    # pydantic's own, the ones that a wrong payload of ours would bring up first.
    "missing": _REFUSED,
    "value_error": _REFUSED,
    "literal_error": _REFUSED,
    "enum": _REFUSED,
    "string_type": _REFUSED,
    "string_too_short": _REFUSED,
    "string_too_long": _REFUSED,
    "int_type": _REFUSED,
    "int_parsing": _REFUSED,
    "float_parsing": _REFUSED,
    "bool_parsing": _REFUSED,
    "url_parsing": _REFUSED,
    "extra_forbidden": _REFUSED,
    # The platform around the model.
    "request_timeout": ErrorType("platform", (504,), retryable=True),
    "startup_timeout": ErrorType("platform", (504,), retryable=True),
    "runner_scheduling_failure": _RUNNER,
    "runner_connection_timeout": _RUNNER,
    "runner_disconnected": _RUNNER,
    "runner_connection_refused": _RUNNER,
    "runner_connection_error": _RUNNER,
    "runner_incomplete_response": ErrorType("platform", (502,), retryable=True),
    "runner_server_error": ErrorType("platform", (500,), retryable=True),
    "client_disconnected": ErrorType("platform", (499,)),
    "client_cancelled": ErrorType("platform", (499,)),
    "bad_request": ErrorType("platform", (400,)),
    "internal_error": ErrorType("platform", (500,), retryable=True),
}


def retryable(kind: str, said_so: str | None) -> bool:
    """Whether trying again may help: fal's own `X-Fal-Retryable` decides, else the table; unknown kinds are not."""
    match (said_so or "").lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            return kind in KINDS and KINDS[kind].retryable
