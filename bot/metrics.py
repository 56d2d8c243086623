"""Everything that GET /metrics tells Prometheus: the objects, their labels and what each means.

Naming follows https://prometheus.io/docs/practices/naming/. No label holds an id, a name or a text of anybody: every
label has a fixed set of values, so that the number of series is bounded, and nothing in them is private.

Counters and histograms count what this process did, so the sums over all processes are right. A gauge says in its help
how to add it up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.turns import named_turns

disable_created_metrics()  # a third more series, which nobody asks for
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SHORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REQUEST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LONG_S = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0)
_OF_SHARDS = "of the servers whose shards this process holds; add up over all processes"
_ALL = "the same in every process of one database; take the maximum"
_OF_MACHINE = "of this process's machine; processes on one disk report the same one, so do not add up"


def _counter(name: str, text: str, *labels: str, begins: Iterable[str] = ()) -> Counter:
    """Return a counter that tells 0 for these values of its only label.

    Prometheus sees no increase in a series whose first value is 1.
    """
    counter = Counter(name, text, labels, registry=REGISTRY)
    for value in begins:
        counter.labels(value)
    return counter


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, labels, buckets=buckets, registry=REGISTRY)


# Jobs.
JOBS = _gauge("wanda_jobs", f"Unfinished jobs by state, {_OF_SHARDS}", "state", "mode")
JOBS_ACCEPTED = _counter("wanda_jobs_accepted", "Jobs that were accepted and paid for by a hold", "mode")
JOBS_ENDED = _counter("wanda_jobs_ended", "Jobs that ended; an uncertain one that is revived, twice", "state", "mode")
JOBS_NOT_MADE = _counter("wanda_jobs_not_made", "Jobs that ended without a video, or whose video reached nobody", "why")
PICKS = _counter(
    "wanda_picks",
    "Drafts that were decided on: picked by their maker or by a vote, or why none was made in full",
    "outcome",
)
FILMS = _gauge(
    "wanda_films", f"Films that are not over, or whose card does not say so, by state, {_OF_SHARDS}", "state"
)
FILM_OUTCOMES = (
    *("posted", "kept", "join", "post", "stopped", "nothing"),
    *("declined", "unapproved", "unasked", "removed", "other"),
)
FILMS_ENDED = _counter(
    "wanda_films_ended",
    "Films that ended, again after each redo: posted, kept (what was ordered last was left out), join or post (its "
    "shots stay without a film), or why there is none",
    "outcome",
    begins=FILM_OUTCOMES,
)
STEP_SECONDS = _histogram(
    "wanda_job_step_seconds",
    "How long a step took: submit (from the order until fal has it), queue (at fal), render (at fal), deliver (from "
    "fal's completion until it is posted), whole (from the order until it is posted)",
    "step",
    buckets=_LONG_S,
)
NOTICE_SECONDS = _histogram(
    "wanda_notice_seconds",
    "From fal's word on a stream or a poll that a request is completed until the database has it; by webhook it is "
    "wanda_webhook_seconds",
    buckets=_SHORT_S,
)
FIRST_ANSWER_SECONDS = _histogram(
    "wanda_first_answer_seconds",
    "From an interaction's arrival until Discord took the first answer to it; Discord waits 3 seconds",
    "kind",
    buckets=_SHORT_S,
)
REFUSALS = _counter("wanda_refusals", "Members' orders and presses that were refused, by the rule", "kind")
TROUBLES = _counter(
    "wanda_interaction_errors",
    "Interactions that failed, and not by a refusal: storage, disk, files, discord, defect",
    "kind",
)

# Money.
HELD_DOLLARS = _gauge("wanda_held_dollars", f"What unfinished jobs hold, {_OF_SHARDS}")
EXPOSED_DOLLARS = _gauge(
    "wanda_exposed_dollars", f"What uncertain jobs may cost yet, until the operator closes them, {_OF_SHARDS}"
)
EXPOSURES = _gauge("wanda_exposures", f"Uncertain jobs that the operator has not closed, {_OF_SHARDS}")
SPENT_DOLLARS = _counter(
    "wanda_spent_dollars",
    "What was settled for ended jobs, by who pays: member (and with them the server's pool), or server alone; without "
    "what an operator closed by hand",
    "payer",
    begins=("member", "server"),
)
ALARMS = _gauge(
    "wanda_alarms", f"Troubles with fal that the operator was told of, by what they are about, {_ALL}", "kind"
)
MODES_OFF = _gauge("wanda_modes_off", f"Modes that are off because of one of these, {_ALL}")
FAL_BALANCE_DOLLARS = _gauge(
    "wanda_fal_balance_dollars", "The balance of fal's account where it is asked for, else NaN; take the maximum"
)
FAL_BALANCE_DOLLARS.set(float("nan"))
FAL_LOOKED_AT = _gauge(
    "wanda_fal_look_timestamp_seconds",
    "When fal's price list, all schemas or the balance were read last, or tried to be first, by what it was; take the "
    "maximum",
    "what",
)

BILLS = _counter(
    "wanda_bills",
    "fal's bills of jobs that were compared with the books: equal, corrected (the books follow the bill now), "
    "unfinished (looked at again), unknown (the books have no such job), "
    "no_charge (a refund of what was billed before the bill was read), free (never billed)",
    "result",
    begins=("equal", "corrected", "unfinished", "unknown", "no_charge", "free"),
)
BILL_READ_AT = _gauge(
    "wanda_bill_read_timestamp_seconds",
    "Up to when fal's whole bill was read, or if it never was, when that was tried first, by the process with shard 0, "
    "else 0; take the maximum",
)
BILL_STRANGERS = _gauge(
    "wanda_bill_strangers",
    "Billed requests of fal's account that Wanda made no job for, by the process with shard 0; take the maximum",
)
BILL_UNREADABLE = _counter("wanda_bill_rows_unreadable", "Rows of fal's bill that could not be read")
LOST_FOUND = _counter("wanda_lost_jobs_found", "Jobs whose submit's reply was lost, found among fal's past requests")

# Requests to others.
REQUESTS = _counter("wanda_requests", "HTTP requests that this process sent, by outcome", "service", "kind", "outcome")
REQUEST_SECONDS = _histogram(
    "wanda_request_seconds",
    "From an HTTP request's beginning until the headers of its reply",
    "service",
    "kind",
    buckets=_REQUEST_S,
)
WEBHOOKS = _counter("wanda_webhooks", "fal's webhooks by verdict", "verdict")
WEBHOOK_SECONDS = _histogram(
    "wanda_webhook_seconds", "From a webhook's arrival until it was stored and answered", buckets=_SHORT_S
)

# Cards.
CARD_EDITS = _counter(
    "wanda_card_edits",
    "Progress edits: edited, put_off (Discord's limits or another message come first), gone (for ever), failed",
    "outcome",
    begins=("edited", "put_off", "gone", "failed"),
)
CARD_EDIT_WAIT_SECONDS = _histogram(
    "wanda_card_edit_wait_seconds", "How long a progress edit waited for its turn", buckets=_REQUEST_S
)

# The process.
LOOP_LAG_SECONDS = _histogram(
    "wanda_loop_lag_seconds", "How much later than it should a timer of the event loop ran", buckets=_SHORT_S
)
STORAGE_WAIT_SECONDS = _histogram(
    "wanda_storage_wait_seconds",
    "How long a transaction waited for a connection to PostgreSQL, its server's turn included",
    buckets=_SHORT_S,
)
STORAGE_SECONDS = _histogram(
    "wanda_storage_seconds", "How long a transaction took, its wait included", "kind", buckets=_SHORT_S
)
STORAGE_ERRORS = _counter(
    "wanda_storage_errors", "Transactions that the database did not carry out", "kind", begins=("read", "write")
)
LOG_LINES = _counter("wanda_log_lines", "Lines logged, by level", "level", begins=("WARNING", "ERROR", "CRITICAL"))
LOG_LINES_DROPPED = _counter("wanda_log_lines_dropped", "Log lines that could not be written")
READY = _gauge("wanda_ready", "1 if /readyz says yes, else 0; the sum is how many processes work")
CHECK_FAILED = _gauge("wanda_check_failed", "1 if this check of /healthz or /readyz fails, else 0", "check")
SERVERS = _gauge("wanda_servers", "Servers whose shards this process holds; add up over all processes")
SHARDS = _gauge("wanda_shards", "Shards that this process holds; the sum should be wanda_shards_wanted")
SHARDS_WANTED = _gauge("wanda_shards_wanted", f"How many shards there are, {_ALL}")
DISK_FREE_BYTES = _gauge("wanda_disk_free_bytes", f"Free space where the data folder is, {_OF_MACHINE}")
DISK_SIZE_BYTES = _gauge("wanda_disk_size_bytes", f"Size of the disk where the data folder is, {_OF_MACHINE}")
FOLDER_BYTES = _gauge("wanda_folder_bytes", f"What a folder of the data folder takes, {_OF_MACHINE}", "folder")
GAUGES_READ_AT = _gauge(
    "wanda_gauges_read_timestamp_seconds", "When the gauges above that come from the database were read last"
)
INFO = _gauge("wanda_info", "Always 1; its labels say on which kind of database Wanda runs", "database", "schema")


class _Turns(Collector):
    """How many wait for and hold the places that members share (`bot/turns.py`), read when Prometheus asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting: defaultdict[str, int] = defaultdict(int)
        held: defaultdict[str, int] = defaultdict(int)
        for turns in named_turns():
            waiting[turns.name] += turns.waiting
            held[turns.name] += turns.held
        for name, text, values in (
            ("wanda_turns_waiting", "Pieces of work that wait for one of this process's places; add up", waiting),
            ("wanda_turns_held", "Places of this process that are taken; add up", held),
        ):
            family = GaugeMetricFamily(name, text, labels=["place"])
            for place, value in sorted(values.items()):
                family.add_metric([place], value)
            yield family


REGISTRY.register(_Turns())
