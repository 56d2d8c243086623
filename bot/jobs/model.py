"""A job as frozen data: its order, price, state and outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.fal.wire.types import Handle, Result
from bot.media_spec import MediaKind

State: TypeAlias = Literal[
    "waiting",  # the hold and the row are committed; it needs an approval first
    "accepted",  # the hold and the row are committed, the inputs are on disk; nothing was sent to fal
    "submitting",  # the intent is written; the POST may or may not have reached fal
    "queued",  # fal has a request id for it
    "running",  # fal says IN_PROGRESS
    "fetching",  # fal says COMPLETED; whether a video was made is not known yet
    "delivering",  # a video was made and paid for; it is not posted yet
    "done",  # the video, or its link, is posted
    "failed",  # no video; `failure` says why
    "cancelled",  # the member cancelled it in time, or it was not approved
    "uncertain",  # the submit's reply was lost; fal may be rendering it
]
FINISHED: frozenset[State] = frozenset({"done", "failed", "cancelled", "uncertain"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Wanda's copy of one attached file. `option` is the mode's field; `path` is relative to the data folder.

    `format` is detected from the bytes ("png", "mp4", "mp3", …); `url` is fal's storage URL once uploaded. `changes`
    are short phrases on how the file was made to fit ("trimmed from 14.2 s to 10 s"). `is_borrowed` marks a file that
    came with a rerun of somebody else's video: the job's member never gave it, so their export leaves it out.
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
    """A job's card: its message, and the interaction token that can edit it until `token_expires_at` (Unix seconds)."""

    channel_id: int
    message_id: int
    application_id: int
    token: str
    token_expires_at: float
    size_limit_bytes: int
    posted_at: float


@dataclass(frozen=True, slots=True)
class Spot:
    """A message that can be linked to."""

    guild_id: int
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no video. `kind` is fal's error type, or one of Wanda's.

    Wanda's are `account`, `refused`, `unreachable`, `lost` and `gone`, and `declined` and `unapproved` for a job that
    waited for approval. `message` is fal's own text, never shown raw. `billed` says whether fal billed the attempt, as
    far as is known; `charged` whether the member paid for it, and `absorbed_microusd` what the server paid instead.
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
    """One accepted order of a video. Times are Unix seconds, amounts integer micro-dollars.

    `role_ids` are the member's at the time of the command; `rules_channel_id` is the channel whose rules apply, a
    thread's parent. Jobs with equal `similar` take about as long as each other. `told` says that the card shows how the
    job ended. `put_off_at` is when fal first refused the submit because the account was locked. `policy` is who pays
    for a failed attempt that fal may have billed, by the server's rule at acceptance: the member (`charge`) or the
    server (`absorb`). `approve_by` is when a waiting job expires. `parent_id` is the job that this one was made from,
    `parent_at` that job's card, `trigger` the member's action ("react:🔁", "button:again", …), and `notes` are whole
    sentences for the card. `files_gone_at` is when Wanda's copies of the inputs and the result were deleted.
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
    """Progress of a running job; it is not stored.

    `position` counts the requests ahead in fal's queue; `fraction` is the progress in fal's logs, 0 to 1. `typical_s`
    is the median time of similar past jobs from start to completion. `step` is what Wanda is doing ("uploading",
    "posting").
    """

    position: int | None = None
    fraction: float | None = None
    typical_s: float | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """What is left of one limit in its window, in micro-dollars."""

    left_microusd: int
    cap_microusd: int
    window: Literal["day", "week", "month", "ever"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What this job's hold leaves of the member's and of the server's tightest limits; None without a limit."""

    member: Remainder | None
    server: Remainder | None
