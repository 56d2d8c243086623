"""fal's own names for the ways in which no video was made. A name that is not here is passed on as it came.

Sources: https://docs.fal.ai/errors (models), https://docs.fal.ai/documentation/model-apis/request-errors (platform).
"""

UNKNOWN = "unknown"  # no name was given

ERROR_TYPES = frozenset(
    {
        # Models.
        "internal_server_error",
        "downstream_service_unavailable",
        "generation_timeout",
        "downstream_service_error",
        "content_policy_violation",
        "no_media_generated",
        "image_load_error",
        "file_download_error",
        "face_detection_error",
        "feature_not_supported",
        "image_too_small",
        "image_too_large",
        "file_too_large",
        "video_duration_too_long",
        "video_duration_too_short",
        "audio_duration_too_long",
        "audio_duration_too_short",
        "unsupported_image_format",
        "unsupported_video_format",
        "unsupported_audio_format",
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "multiple_of",
        "one_of",
        "sequence_too_short",
        "sequence_too_long",
        # Models, by pydantic: what a payload that breaks the endpoint's schema brings up.
        "missing",
        "value_error",
        "literal_error",
        "enum",
        "string_type",
        "string_too_short",
        "string_too_long",
        "int_type",
        "int_parsing",
        "float_parsing",
        "bool_parsing",
        "url_parsing",
        "extra_forbidden",
        # The platform around the model.
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_incomplete_response",
        "runner_server_error",
        "client_disconnected",
        "client_cancelled",
        "bad_request",
        "internal_error",
    }
)
