"""A request, the order that prices it, and the job that an accepted order becomes, as frozen data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from bot.card_style import CardStyle
from bot.catalogue.cheaper import Variant
from bot.catalogue.doubts import Doubt
from bot.catalogue.drafts import drafts_and_pick
from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import build
from bot.errors import Refusal
from bot.fal.wire.types import Handle, Result
from bot.ledger.model import Share, Who
from bot.media_spec import MediaKind
from bot.requester import Requester

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
# fal has completed the request in these states, so there is nothing to cancel.
MADE: frozenset[State] = frozenset({"fetching", "delivering"})
# Why fal's link was posted instead of the video, or nothing at all.
LinkReason: TypeAlias = Literal[
    "too_large",  # for Discord's limit there, and no smaller copy could be made
    "too_long",  # larger than what Wanda downloads
    "not_fetched",  # fal's storage did not hand it over
    "no_room",  # Wanda's disk did not take it
    "unchecked",  # Wanda could not look at it
    "unplayable",  # it is no video that plays
    "forbidden",  # Wanda may not attach files there
    "refused",  # Discord refused the file for another reason
    "busy",  # Discord did not answer for too long
]
# Trouble that may be over later; then the video replaces the link.
PASSING: frozenset[LinkReason] = frozenset(
    {"not_fetched", "no_room", "unchecked", "unplayable", "forbidden", "refused", "busy"}
)
VARIATIONS_MIN, VARIATIONS_MAX = 2, 4  # videos ordered at once: what a message shows in a square
MESSAGES_URL = "https://discord.com/channels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Wanda's copy of one attached file. `option` is the mode's field; `path` is relative to the data folder.

    `format` is detected from the bytes ("png", "mp4", "mp3", …); `url` is fal's storage URL once uploaded. `changes`
    are short phrases on how the file was made to fit ("trimmed from 14.2 s to 10 s"). `is_borrowed` marks a file that
    came with a rerun of somebody else's video: the job's member never gave it, so their export leaves it out.
    `is_spoiler` marks a file that its member hid as a spoiler.
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
    is_spoiler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A job's card: its message, and the interaction token that can edit it until `token_expires_at` (Unix seconds).

    Every message of the job has the `style`, whatever the setting is by then: Discord never takes the flag of a
    message of components back (https://discord.com/developers/docs/components/reference). Jobs from before there was
    a choice are classic.
    """

    channel_id: int
    message_id: int
    application_id: int
    token: str
    token_expires_at: float
    size_limit_bytes: int
    posted_at: float
    style: CardStyle = "classic"

    def moved_to(self, channel_id: int, message_id: int, *, now: float) -> Self:
        """Return the address of the card, which is a new one, without a token, if it had to be posted again."""
        if message_id == self.message_id:
            return self
        return replace(self, channel_id=channel_id, message_id=message_id, token_expires_at=0.0, posted_at=now)


@dataclass(frozen=True, slots=True)
class Spot:
    """A message that can be linked to."""

    guild_id: int
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class PostedVideo:
    """How a video was posted: `reason` is None for an attachment, else why it is only a link.

    `pixels` (width, height) is set if the attachment is smaller than fal's original. `file_name` is the attachment's.
    """

    size_bytes: int | None
    reason: LinkReason | None = None
    limit_bytes: int | None = None
    pixels: tuple[int, int] | None = None
    file_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """What the draft that is picked becomes: its resolution, and the price, which is reserved until then."""

    resolution: str
    quote_microusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """A job's place in a set: number `number`, from 1, of `of` videos that were ordered at once.

    `set_id` is the id of the set's first job. `message_id` is the message that shows the whole set. `final` says that
    they are drafts, one of which is picked and made in full (`bot.jobs.picks`).
    """

    set_id: str
    number: int
    of: int
    message_id: int
    final: Final | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A job's place in a film: shot `number`, from 1, of `of` shots. `message_id` is the message of the whole film."""

    film_id: str
    shot_id: str
    number: int
    of: int
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for: a filled-in mode and its files. The fields after `drafts` are as in `Job`.

    In a rerun `inputs` are the parent's files until they are copied for the new job. `videos` is how many variations
    are asked for at once, which differ in their seeds. With `drafts` so many are made at the cheapest resolution, and
    the one that is picked as asked for.
    """

    mode: Mode
    inputs: tuple[Input, ...] = ()
    videos: int = 1
    drafts: int = 0
    parent_id: str | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()
    borrowed_options: tuple[str, ...] = ()

    def facts(self) -> dict[str, Input]:
        """Return the files by option."""
        return {item.option: item for item in self.inputs}

    def check_inputs(self) -> None:
        """Check that every file is what the mode takes.

        Raises:
            MediaRefused: one is not.
        """
        self.mode.check(self.facts())

    def quote(self, prices: PriceTable) -> Quote:
        """Return the price of all its videos together.

        Raises:
            ModeOff: it is not known.
            OptionRefused: its drafts would cost as much as the one that is picked.
        """
        if self.drafts:
            return drafts_and_pick(self.mode, self.drafts, self.facts(), prices).quote()
        return self.mode.quote(self.facts(), prices).times(self.videos)

    def whole(self, prices: PriceTable) -> Callable[[Variant], Variant | None]:
        """Return how a variant of its mode becomes one with the price of the whole request, None where it cannot."""

        def priced(one: Variant) -> Variant | None:
            try:
                return Variant(one.mode, replace(self, mode=one.mode).quote(prices))
            except Refusal:
                return None

        return priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A member's request with its quote; nothing is held for it yet.

    `id` becomes the job's. The inputs were checked, and are in that job's folder. `address` is None until there is a
    card. `requested_at` is in Unix seconds. `first_mode` is what the member asked for before they chose other settings.
    `doubts` are the likely mistakes that they are asked about.
    """

    id: str
    who: Who
    request: Request
    quote: Quote
    requested_at: float
    address: Address | None = None
    first_mode: Mode | None = None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no video. `kind` is fal's error type, or one of Wanda's.

    Wanda's are `account`, `refused`, `unreachable`, `lost` and `gone`, and `declined`, `unapproved`, `unasked` and
    `removed` for a job that was not begun. `message` is fal's own text, never shown raw. `billed` says whether fal
    billed the attempt, as far as is known; `charged` whether the member paid for it or a part of it, and
    `absorbed_microusd` what the server paid instead. `held_microusd` of an uncertain job is the member's and stays held
    until it is known what fal billed.
    """

    kind: str
    status: int | None = None
    message: str = ""
    location: tuple[str, ...] = ()
    context: Mapping[str, Any] | None = None
    billed: Literal["no", "yes", "perhaps"] = "no"
    charged: bool = False
    absorbed_microusd: int | None = None
    held_microusd: int | None = None


class JobRef(NamedTuple):
    """Which job, and in which server: enough to advance it."""

    id: str
    guild_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One accepted order of a video. Times are Unix seconds, amounts integer micro-dollars.

    `role_ids` are the member's at the time of the command; `rules_channel_id` is the channel whose rules apply, a
    thread's parent. Jobs with equal `similar` take about as long as each other. `told` says that the card shows how the
    job ended. `put_off_at` is when fal first refused the submit because the account was locked. `policy` is who pays
    for a failed attempt that fal may have billed, by the server's rule at acceptance: the member (`charge`) or the
    server (`absorb`), which pays at most `absorbed_daily_microusd` for one member in 24 hours. `approve_by` is when a
    waiting job expires, `asked` says that its card shows the question. `parent_id` is the job that this one was made
    from, `parent_at` that job's card, `trigger` the member's action ("react:🔁", "button:again", …), and `notes` are
    whole sentences for the card. `borrowed_options` came with a rerun of somebody else's video, whose card does not
    show them. `late_at` is when bringing the video is tried again, of a job that ended with fal's link or with nothing
    posted; `mailed` is the direct message that brought the video, because its channel did not take it. `posted` is what
    its card holds of the video, so that the card can be drawn again; None for jobs from before that was kept.
    `files_gone_at` is when Wanda's copies of the inputs and the result were deleted. `revived_at` is when an uncertain
    job was taken up again because fal has it after all. `variation` is the place in a set of videos that were ordered
    at once, `part` the place in a film. `age_restricted` is the flag of the channel whose rules apply; `must_hide` says
    that a rule has the video shown as a spoiler. `shares` are what each member pays of a video that several pay for;
    none of any other.
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
    absorbed_daily_microusd: int = 1_000_000
    approve_by: float | None = None
    asked: bool = False
    approver_role_id: int | None = None
    approved_by: int | None = None
    parent_id: str | None = None
    parent_at: Spot | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()
    borrowed_options: tuple[str, ...] = ()
    late_at: float | None = None
    mailed: Spot | None = None
    posted: PostedVideo | None = None
    files_gone_at: float | None = None
    revived_at: float | None = None
    variation: Variation | None = None
    part: Part | None = None
    age_restricted: bool | None = None
    must_hide: bool = False
    shares: tuple[Share, ...] = ()

    @property
    def set_id(self) -> str:
        """What is one order: the set that the job is one of, else the job itself."""
        return self.id if self.variation is None else self.variation.set_id

    @property
    def requester(self) -> Requester:
        """For whom the video is made."""
        return Requester(self.guild_id, self.member_id)

    @property
    def is_spoiler(self) -> bool:
        """Whether the video is shown as a spoiler: a rule says so, or it shows what a spoiler among its files hides."""
        return self.must_hide or any(item.is_spoiler for item in self.inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Progress of a running job; it is not stored.

    `position` counts the requests ahead in fal's queue; `fraction` is the progress in fal's logs, 0 to 1. `typical_s`
    is the median time of similar past jobs from start to completion. `step` is what Wanda is doing ("uploading",
    "posting"). `is_parked` says that nobody sees its progress at fal, which calls when it is over.
    """

    position: int | None = None
    fraction: float | None = None
    typical_s: float | None = None
    step: str | None = None
    is_parked: bool = False


def job_from(order: Order, *, now: float) -> Job:
    """Return the job that this order of one video becomes; raises ValueError when the order has no card.

    `bot.jobs.variations` makes the jobs of an order of several.
    """
    if order.address is None:
        raise ValueError(f"order {order.id} has no card")
    request, who = order.request, order.who
    return Job(
        id=order.id,
        guild_id=who.guild_id,
        member_id=who.member_id,
        role_ids=who.role_ids,
        rules_channel_id=who.channel_id,
        age_restricted=who.age_restricted,
        mode=request.mode.id,
        options=request.mode.options(),
        inputs=request.inputs,
        quote_microusd=order.quote.of_one().microusd,
        formula=order.quote.of_one().formula,
        prices_version=order.quote.prices_version,
        similar=_similar(request),
        state="accepted",
        created_at=now,
        updated_at=now,
        address=order.address,
        parent_id=request.parent_id,
        trigger=request.trigger,
        notes=request.notes,
        borrowed_options=request.borrowed_options,
    )


def mode_of(job: Job) -> Mode:
    """Return the filled-in model of a stored job."""
    return build(job.mode, job.options, attached_of(job.inputs))


def payload_of(job: Job) -> Mapping[str, Any]:
    """Return the exact JSON for fal; every input must have its URL."""
    return mode_of(job).payload({i.option: i.url for i in job.inputs if i.url is not None})


def _similar(request: Request) -> str:
    """Return mode, resolution and length: jobs in which these are equal take about as long."""
    mode, resolution = request.mode, getattr(request.mode, "resolution", None)
    return f"{mode.id}:{resolution}:{mode.output_seconds(request.facts())}"


def reported_seed(job: Job) -> int | None:
    """Return the seed that fal reported with the video."""
    return None if job.result is None else job.result.seed


def seed_of(job: Job) -> int | None:
    """Return the seed that fal reported, else the one that the member asked for."""
    reported = reported_seed(job)
    return asked_seed(job.options.get("seed")) if reported is None else reported


def asked_seed(value: object) -> int | None:
    """Return the value of a request's option `seed`, or None where it has none."""
    return value if isinstance(value, int) else None


def rewritten_prompt(asked: object, actual: str | None) -> str | None:
    """Return fal's own wording of a prompt, or None where fal told none or used the prompt as it was asked."""
    return actual if actual and actual.strip() and actual != asked else None


def rewritten_prompt_of(job: Job) -> str | None:
    """Return fal's own wording of the job's prompt, as `rewritten_prompt` does."""
    return rewritten_prompt(job.options.get("prompt"), None if job.result is None else job.result.actual_prompt)


def attached_of(inputs: Iterable[Input]) -> dict[str, Attached]:
    """Return the files of a request, by option, as the catalogue takes them."""
    return {item.option: Attached(item.file_name, item.size_bytes) for item in inputs}


def message_url(spot: Spot) -> str:
    """Return the address that opens a message in every Discord client; guild 0 is a direct message."""
    return f"{MESSAGES_URL}/{spot.guild_id or '@me'}/{spot.channel_id}/{spot.message_id}"


def card_url(job: Job) -> str:
    """Return the address of the job's card."""
    return message_url(Spot(job.guild_id, job.address.channel_id, job.address.message_id))
