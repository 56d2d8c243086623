"""A job as plain frozen data: what was asked, what it costs, where it stands, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.fal.wire.types import Handle, Result
from bot.media_spec import MediaKind

State: TypeAlias = Literal[
    "waiting",  # the hold and the row are committed; an approver has to say yes first
    "accepted",  # the hold and the row are committed, the inputs are on disk; fal was not asked
    "submitting",  # the intent is written; the POST may or may not have reached fal
    "queued",  # fal has a request id for it
    "running",  # fal says IN_PROGRESS
    "fetching",  # fal says COMPLETED; whether a video was made is not known yet
    "delivering",  # a video was made and paid for; it is not in the channel yet
    "done",  # the video, or its link, is in the channel
    "failed",  # no video, for a reason that `failure` tells
    "cancelled",  # the member took it back in time
    "uncertain",  # the submit's reply was lost; fal may be rendering it
]
FINISHED: frozenset[State] = frozenset({"done", "failed", "cancelled", "uncertain"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One attached file, in Wanda's own copy. `option` is the mode's field; `path` is relative to the data folder.

    `format` is what its bytes say ("png", "mp4", "mp3", …); `url` is fal's storage URL once uploaded. `changes` says
    in short phrases what was done to the file to make it fit ("trimmed from 14.2 s to 10 s"). `is_borrowed` says that
    the job's member never gave this file: it came with a rerun of somebody else's video, and is not theirs to have.
    """

    option: str
    path: str
    file_name: str
    kind: MediaKind
    format: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    codec: str | None = None
    url: str | None = None
    changes: tuple[str, ...] = ()
    is_borrowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a job's card stands, and the interaction token that edits it until `token_expires_at` (Unix seconds)."""

    channel_id: int
    message_id: int
    application_id: int
    token: str
    token_expires_at: float
    size_limit_bytes: int
    posted_at: float


@dataclass(frozen=True, slots=True)
class Spot:
    """A message that people can be sent to."""

    guild_id: int
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no video. `kind` is fal's type, or one of ours: `account`, `refused`, `unreachable`, `lost`, `gone`.

    Ours also: `declined` and `unapproved`, for a job that waited for approval. `message` is fal's own text, never shown
    raw. `billed` says whether fal billed the attempt, as far as is known; `charged` whether the member paid for it, and
    `absorbed_microusd` what the server paid instead.
    """

    kind: str
    status: int | None = None
    message: str = ""
    location: tuple[str, ...] = ()
    context: Mapping[str, Any] | None = None
    billed: Literal["no", "yes", "perhaps"] = "no"
    charged: bool = False
    absorbed_microusd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One video asked for once. Times are Unix seconds, amounts integer micro-dollars.

    `role_ids` are the member's at the time of the command; `rules_channel_id` is the channel whose rules hold, which a
    thread's card does not stand in. `similar` is the same for jobs that take about as long;
    `told` says that the card shows how the job ended; `put_off_at` is when fal, its account locked, first turned the
    submit away. `policy` is who pays for an attempt that failed and may have been billed: the member (`charge`) or the
    server (`absorb`), by the server's rule at the time of acceptance. `approve_by` is when a waiting job is given up.
    `parent_id` is the job whose result this one began with, `parent_at` where that one stands, `trigger` what the
    member did for it ("react:🔁", "button:again", …), and `notes` are whole sentences for the card. `files_gone_at` is
    when Wanda's own copies of the inputs and the result were removed from disk.
    """

    id: str
    guild_id: int
    member_id: int
    mode: str
    options: Mapping[str, Any]
    inputs: tuple[Input, ...]
    quote_microusd: int
    formula: str
    prices_version: str
    similar: str
    state: State
    created_at: float
    updated_at: float
    address: Address
    role_ids: tuple[int, ...] = ()
    rules_channel_id: int | None = None
    put_off_at: float | None = None
    submitted_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    cancel_requested: bool = False
    handle: Handle | None = None
    result: Result | None = None
    failure: Failure | None = None
    charged_microusd: int | None = None
    told: bool = False
    policy: Literal["charge", "absorb"] = "absorb"
    approve_by: float | None = None
    approver_role_id: int | None = None
    approved_by: int | None = None
    parent_id: str | None = None
    parent_at: Spot | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()
    files_gone_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What is known of a job only while it runs, and is not worth a row.

    `position` counts the requests ahead; `fraction` is fal's own progress from its logs, 0 to 1;
    `typical_s` is the median of past jobs of the same kind, start to completion;
    `step` is what Wanda itself is doing ("uploading", "posting").
    """

    position: int | None = None
    fraction: float | None = None
    typical_s: float | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """What is left of one limit, in micro-dollars, and the window it is for."""

    left_microusd: int
    cap_microusd: int
    window: Literal["day", "week", "month", "ever"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left after this job's hold of the member's tightest limit and of the server's; None without a limit."""

    member: Remainder | None
    server: Remainder | None
