"""Every error that fal documents, as an HTTP answer.

Model errors have a list under `detail` (https://fal.ai/docs/documentation/model-apis/errors), platform errors a
sentence and an `error_type` (https://fal.ai/docs/documentation/model-apis/request-errors).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "LOCKED",
    "NO_USER",
    "ErrorType",
    "Failed",
    "FalReply",
    "error_reply",
    "invalid_input",
    "is_documented",
    "model_error",
    "platform_error",
]

DOCS = "https://docs.fal.ai/errors"
BODY = ("body",)


@dataclass(frozen=True, slots=True)
class FalReply:
    """One HTTP answer: status, JSON body and extra headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    billed_units: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorType:
    """A documented error type."""

    status: int
    message: str
    retryable: bool = False
    location: tuple[str, ...] = BODY
    context: Mapping[str, Any] | None = None


class Failed(Exception):  # noqa: N818 - it names what happened to a request
    """A request failed; `reply` is the answer to its result GET."""

    def __init__(self, reply: FalReply) -> None:
        super().__init__(str(reply.body))
        self.reply = reply


_PROMPT = ("body", "prompt")
_IMAGE = ("body", "image_url")
_VIDEO = ("body", "video_url")
_AUDIO = ("body", "audio_url")

MODEL: Mapping[str, ErrorType] = {
    "internal_server_error": ErrorType(500, "Internal server error", retryable=True),
    "downstream_service_unavailable": ErrorType(500, "A downstream service is unavailable", retryable=True),
    "downstream_service_error": ErrorType(400, "Downstream service error", retryable=True),
    "generation_timeout": ErrorType(504, "Generation timed out", retryable=True),
    "content_policy_violation": ErrorType(
        422, "The content could not be processed because it was flagged by a content checker.", location=_PROMPT
    ),
    "no_media_generated": ErrorType(422, "No media was generated"),
    "image_load_error": ErrorType(422, "Failed to load the image", location=_IMAGE),
    "file_download_error": ErrorType(422, "Failed to download the file", location=_IMAGE),
    "face_detection_error": ErrorType(422, "Could not detect a face in the image", location=_IMAGE),
    "feature_not_supported": ErrorType(422, "The feature is not supported"),
    "image_too_small": ErrorType(
        422, "Image is too small", location=_IMAGE, context={"min_width": 240, "min_height": 240}
    ),
    "image_too_large": ErrorType(
        422, "Image is too large", location=_IMAGE, context={"max_width": 8000, "max_height": 8000}
    ),
    "file_too_large": ErrorType(422, "File size exceeds the limit", location=_IMAGE, context={"max_size": 20_000_000}),
    "video_duration_too_long": ErrorType(
        422, "Video is too long", location=_VIDEO, context={"max_duration": 10, "provided_duration": 12.4}
    ),
    "video_duration_too_short": ErrorType(
        422, "Video is too short", location=_VIDEO, context={"min_duration": 2, "provided_duration": 1.2}
    ),
    "audio_duration_too_long": ErrorType(
        422, "Audio is too long", location=_AUDIO, context={"max_duration": 30, "provided_duration": 42.0}
    ),
    "audio_duration_too_short": ErrorType(
        422, "Audio is too short", location=_AUDIO, context={"min_duration": 2, "provided_duration": 1.2}
    ),
    "unsupported_image_format": ErrorType(
        422,
        "Unsupported image format",
        location=_IMAGE,
        context={"supported_formats": [".jpg", ".jpeg", ".png", ".bmp", ".webp"]},
    ),
    "unsupported_video_format": ErrorType(
        422, "Unsupported video format", location=_VIDEO, context={"supported_formats": [".mp4", ".mov"]}
    ),
    "unsupported_audio_format": ErrorType(
        422, "Unsupported audio format", location=_AUDIO, context={"supported_formats": [".wav", ".mp3"]}
    ),
    "greater_than": ErrorType(422, "Input should be greater than 0", context={"gt": 0}),
    "greater_than_equal": ErrorType(422, "Input should be greater than or equal to 2", context={"ge": 2}),
    "less_than": ErrorType(422, "Input should be less than 100", context={"lt": 100}),
    "less_than_equal": ErrorType(422, "Input should be less than or equal to 100", context={"le": 100}),
    "multiple_of": ErrorType(422, "Input should be a multiple of 2", context={"multiple_of": 2}),
    "one_of": ErrorType(422, "Input should be one of 720p, 1080p", context={"expected": ["720p", "1080p"]}),
    "sequence_too_short": ErrorType(422, "The list should have at least 1 item", context={"min_length": 1}),
    "sequence_too_long": ErrorType(422, "The list should have at most 5 items", context={"max_length": 5}),
    "missing": ErrorType(422, "Field required", location=_PROMPT),
    "value_error": ErrorType(422, "Value error"),
    "json_invalid": ErrorType(422, "JSON decode error"),
}

PLATFORM: Mapping[str, ErrorType] = {
    "request_timeout": ErrorType(504, "Request timed out", retryable=True),
    "startup_timeout": ErrorType(504, "Runner startup timed out", retryable=True),
    "runner_scheduling_failure": ErrorType(503, "Failed to schedule a runner", retryable=True),
    "runner_connection_timeout": ErrorType(503, "Connection to the runner timed out", retryable=True),
    "runner_disconnected": ErrorType(503, "The runner disconnected", retryable=True),
    "runner_connection_refused": ErrorType(503, "The runner refused the connection", retryable=True),
    "runner_connection_error": ErrorType(503, "Could not connect to the runner", retryable=True),
    "runner_incomplete_response": ErrorType(502, "The runner's response was incomplete", retryable=True),
    "runner_server_error": ErrorType(500, "The runner failed", retryable=True),
    "client_disconnected": ErrorType(499, "The client disconnected"),
    "client_cancelled": ErrorType(499, "Request cancelled by the client."),
    "bad_request": ErrorType(400, "Bad request"),
    "internal_error": ErrorType(500, "Internal error", retryable=True),
}

NO_USER = FalReply(401, {"detail": "No user found for Key ID and Secret"})
LOCKED = FalReply(
    403,
    {
        "detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
    },
)


def is_documented(error_type: str) -> bool:
    """Return whether fal documents this type."""
    return error_type in MODEL or error_type in PLATFORM


def model_error(
    error_type: str,
    *,
    location: tuple[str | int, ...] | None = None,
    message: str | None = None,
    context: Mapping[str, Any] | None = None,
    value: Any = None,
    status: int | None = None,
) -> FalReply:
    """Return a model error, with the table's values where none are given. An unknown type is a 422."""
    known = MODEL.get(error_type, ErrorType(422, f"Unknown failure: {error_type}"))
    entry: dict[str, Any] = {
        "loc": list(location if location is not None else known.location),
        "msg": message or known.message,
        "type": error_type,
        "url": f"{DOCS}#{error_type}",
        "input": value,
    }
    ctx = context if context is not None else known.context
    if ctx is not None:
        entry["ctx"] = dict(ctx)
    headers = {"X-Fal-Error-Type": error_type, "X-Fal-Retryable": str(known.retryable).lower()}
    return FalReply(status or known.status, {"detail": [entry]}, headers)


def platform_error(error_type: str, *, message: str | None = None, status: int | None = None) -> FalReply:
    """Return a platform error."""
    known = PLATFORM[error_type]
    headers = {"X-Fal-Error-Type": error_type, "X-Fal-Retryable": str(known.retryable).lower()}
    return FalReply(status or known.status, {"detail": message or known.message, "error_type": error_type}, headers)


def error_reply(error_type: str, status: int | None = None) -> FalReply:
    """Return the error of this type, as a platform error or a model error."""
    if error_type in PLATFORM:
        return platform_error(error_type, status=status)
    return model_error(error_type, status=status)


def invalid_input(details: list[dict[str, Any]]) -> FalReply:
    """Return the 422 for a body that does not match the endpoint's schema, which is never billed."""
    return FalReply(422, {"detail": details}, {"X-Fal-Retryable": "false"}, billed_units=0)
