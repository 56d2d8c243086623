"""What /metrics may say: every label with the values that it may have, so that none holds an id, a name or a text."""

from collections.abc import Iterable

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot.fal.wire.error_types import ERROR_TYPES

STATES = {
    *("waiting", "accepted", "submitting", "queued", "running", "fetching", "delivering"),
    *("done", "failed", "cancelled", "uncertain"),
}
FILM_STATES = {"waiting", "making", "paused", "joining", "posting", "done", "cancelled"}
FILM_OUTCOMES = {
    *("posted", "kept", "join", "post", "stopped", "nothing"),
    *("declined", "unapproved", "unasked", "removed", "other"),
}
MODES = {
    *("wan27-image", "wan27-text", "wan27-reference", "wan27-edit"),
    *("wan25-image", "wan25-text", "wan22-video", "wan21-image"),
}
WHY = {
    *("other", *ERROR_TYPES),
    *("access", "account", "client_cancelled", "declined", "defect", "gone", "lost", "refused", "removed", "senseless"),
    *("unapproved", "unasked", "undeliverable", "unfinished", "unplayable", "unreachable"),
}
REFUSALS = {
    *("operator", "blocked", "paused", "channel", "mode", "resolution", "ceiling", "at_once", "fruitless", "posting"),
    *("commands", "timeout", "approver", "content"),
    *(f"budget_{scope}" for scope in ("all", "cap", "server", "role", "channel", "member", "grant")),
    *(
        "AlreadyRunning",
        "Busy",
        "Closed",
        "FilesGone",
        "MediaRefused",
        "ModeOff",
        "OptionRefused",
        "Refusal",
        "NotAdmin",
        "NotOffered",
    ),
}
KINDS = {
    *(
        "submit",
        "stream",
        "poll",
        "result",
        "cancel",
        "upload",
        "price",
        "bill",
        "past",
        "balance",
        "schema",
        "keys",
        "download",
    ),
    *("answer", "followup", "reaction", "message", "command", "direct_message", "other"),
}
PLACES = {
    *("intake", "probe", "picture", "frame", "encode", "upload", "submit", "follow", "fetch", "deliver", "late", "end"),
    *("edit", "chart", "notice", "export", "files", "pick"),
}
VERDICTS = {
    *("stored", "known", "unknown", "other", "unsigned", "stale", "forged", "unreadable", "busy", "failed"),
}
SERVICES = {"fal", "discord", "cdn"}
# By metric, as `prometheus_client` names its family: the label's name and values.
ALLOWED: dict[str, dict[str, set[str]]] = {
    "wanda_jobs": {"state": STATES, "mode": MODES},
    "wanda_jobs_accepted": {"mode": MODES},
    "wanda_jobs_ended": {"state": STATES, "mode": MODES},
    "wanda_jobs_not_made": {"why": WHY},
    "wanda_picks": {"outcome": {"maker", "vote", "no_draft", "none", "late", "unmade", "gone", "left"}},
    "wanda_films": {"state": FILM_STATES},
    "wanda_films_ended": {"outcome": FILM_OUTCOMES},
    "wanda_job_step_seconds": {"step": {"submit", "queue", "render", "deliver", "whole"}},
    "wanda_first_answer_seconds": {"kind": {"application_command", "component", "autocomplete", "modal_submit"}},
    "wanda_refusals": {"kind": REFUSALS},
    "wanda_interaction_errors": {"kind": {"storage", "disk", "files", "discord", "defect"}},
    "wanda_bills": {"result": {"equal", "corrected", "unfinished", "unknown", "no_charge", "free"}},
    "wanda_spent_dollars": {"payer": {"member", "server"}},
    "wanda_alarms": {"kind": {"account", "access", "balance", "price", "schema"}},
    "wanda_fal_look_timestamp_seconds": {"what": {"account", "balance", "price", "schema"}},
    "wanda_requests": {"service": SERVICES, "kind": KINDS, "outcome": {"ok", "429", "4xx", "5xx", "no_reply"}},
    "wanda_request_seconds": {"service": SERVICES, "kind": KINDS},
    "wanda_webhooks": {"verdict": VERDICTS},
    "wanda_card_edits": {"outcome": {"edited", "put_off", "gone", "failed"}},
    "wanda_storage_seconds": {"kind": {"read", "write"}},
    "wanda_storage_errors": {"kind": {"read", "write"}},
    "wanda_log_lines": {"level": {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "OTHER"}},
    "wanda_check_failed": {"check": {"run", "database", "data folder", "discord", "files"}},
    "wanda_folder_bytes": {"folder": {"inputs", "results", "cache", "scratch"}},
    "wanda_turns_waiting": {"place": PLACES},
    "wanda_turns_held": {"place": PLACES},
    "wanda_info": {"database": {"SQLite", "PostgreSQL"}, "schema": {str(step) for step in range(20, 60)}},
}
SERIES_MAX = 2_000  # of one process, after whatever traffic


async def scrape(port: str | int) -> list[Metric]:
    """Return what GET /metrics tells."""
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/plain; version=")
        return list(text_string_to_metric_families(await reply.text()))


def value_of(families: Iterable[Metric], name: str, **labels: str) -> float:
    """Return the sum of a sample over all its labels but these; 0 if there is none."""
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def wrong_labels(families: Iterable[Metric]) -> list[str]:
    """Return every label and value of Wanda's own metrics that is not listed above."""
    families = list(families)
    wrong = [
        f"{sample.name}{sample.labels}"
        for family in families
        if family.name.startswith("wanda_")
        for sample in family.samples
        if not _is_right(family.name, sample)
    ]
    series = sum(len(family.samples) for family in families)
    return [*wrong, *([f"{series} series"] if series > SERIES_MAX else [])]


def _is_right(name: str, sample: Sample) -> bool:
    labels = {label: value for label, value in sample.labels.items() if label != "le"}
    allowed = ALLOWED.get(name, {})
    return labels.keys() == allowed.keys() and all(value in allowed[label] for label, value in labels.items())
