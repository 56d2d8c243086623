"""fal's status objects (https://docs.fal.ai/documentation/model-apis/inference/queue)."""

from typing import Any

from sandbox.fal.queue import FalJob, FalQueue

__all__ = ["log_flag", "status_of", "submit_reply", "urls"]


def urls(base_url: str, app: str, request_id: str) -> dict[str, str]:
    """Return the three URLs of a request; they contain only the first two segments of its endpoint."""
    root = f"{base_url}/{app}/requests/{request_id}"
    return {"response_url": root, "status_url": f"{root}/status", "cancel_url": f"{root}/cancel"}


def submit_reply(base_url: str, app: str, job: FalJob, position: int) -> dict[str, Any]:
    """Return the answer to a submit."""
    return {
        "status": "IN_QUEUE",
        "request_id": job.id,
        "queue_position": position,
        **urls(base_url, app, job.id),
        "logs": None,
        "metrics": {},
    }


def status_of(
    base_url: str, app: str, job: FalJob, queue: FalQueue, logs: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """Return a request's status with these log lines."""
    answer: dict[str, Any] = {"status": job.state, "request_id": job.id, **urls(base_url, app, job.id)}
    match job.state:
        case "IN_QUEUE":
            return answer | {"queue_position": queue.position(job), "logs": None, "metrics": {}}
        case "IN_PROGRESS":
            return answer | {"logs": logs, "metrics": {}}
        case "COMPLETED":
            return answer | {"logs": logs, "metrics": _metrics(job), **_error(job)}


def log_flag(value: str | None) -> bool:
    """Return whether `logs=` is set; fal's own Python client sends `true`."""
    return value in {"1", "true", "True"}


def _metrics(job: FalJob) -> dict[str, float]:
    """Return the rendering time."""
    if job.started_at is None or job.completed_at is None:
        return {}
    return {"inference_time": round(job.completed_at - job.started_at, 3)}


def _error(job: FalJob) -> dict[str, str]:
    """Return the error of a failed request, which is COMPLETED too."""
    if job.reply is None or not job.failed:
        return {}
    detail = job.reply.body.get("detail") if isinstance(job.reply.body, dict) else str(job.reply.body)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    words = detail if isinstance(detail, str) else str(detail[0]["msg"])  # pyright: ignore[reportUnknownArgumentType, reportOptionalSubscript]
    kind = job.reply.headers.get("X-Fal-Error-Type")
    return {"error": words} | ({} if kind is None else {"error_type": kind})
