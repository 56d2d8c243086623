"""A film's draft, the film that an ordered draft becomes, and their rows, as frozen data.

Every shot of a film is an ordinary job, with a hold, a request at fal and an end of its own. The film's row says which
jobs these are, and in what state the film is; the jobs say everything else.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeAlias

from pydantic import TypeAdapter, ValidationError

from bot.jobs.model import Address, Input, PostedVideo
from bot.ledger.model import Who
from bot.requester import Requester
from bot.storage.transaction import Row

Family: TypeAlias = Literal["wan27", "wan25"]
Joining: TypeAlias = Literal[
    "cut",  # begins with its own picture, or with nothing but the prompt
    "continue",  # begins with the last frame of the shot before
    "morph",  # ends with a given picture; begins with its own one, or with the last frame of the shot before
]
FilmState: TypeAlias = Literal[
    "waiting",  # its first shot waits for approval, and the others with it
    "making",  # shots are made, or begin when what they start from is made
    "paused",  # a shot was not made; nothing new begins until somebody decides
    "joining",  # all shots are made or left out; they are joined
    "posting",  # the joined video is kept; it is not posted yet
    "done",  # posted
    "cancelled",  # stopped, declined, or nothing of it was made
]
ENDED: frozenset[FilmState] = frozenset({"done", "cancelled"})
SHOTS_MIN, SHOTS_MAX = 2, 8  # with the film itself nine attachments; a message takes ten
SHOT_ID_DIGITS = 8
_TIME_DIGITS = 8  # of an id: see bot.ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One shot as its member wants it. `id` is 8 hexadecimal digits, unique in its film.

    `picture` is the first frame and `end_picture` the last one. `made` is the id of an ended job of the same member
    whose video is used as it is, so that the shot costs nothing: that of a film which is continued.
    """

    id: str
    prompt: str = ""
    seconds: int = 5
    joining: Joining = "cut"
    picture: Input | None = None
    end_picture: Input | None = None
    seed: int | None = None
    made: str | None = None

    @property
    def needs_frame(self) -> bool:
        """Whether it begins with the last frame of the shot before."""
        return self.joining == "continue" or (self.joining == "morph" and self.picture is None)

    @property
    def files(self) -> tuple[Input, ...]:
        """The pictures that were given."""
        return tuple(item for item in (self.picture, self.end_picture) if item is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a draft and its film have in common. `crossfade_s` is how long a shot fades into the next, in seconds."""

    id: str
    family: Family = "wan27"
    resolution: str = "720p"
    aspect_ratio: str = "16:9"
    soundtrack: Input | None = None
    crossfade_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Plan):
    """A film that its member is still writing. `updated_at` tells one state of it from the next.

    Its files are in `inputs/<id>/`. `continues` is the film whose shots it begins with.
    """

    guild_id: int
    member_id: int
    channel_id: int
    updated_at: float
    shots: tuple[Shot, ...] = ()
    continues: str | None = None

    @property
    def requester(self) -> Requester:
        """Whose it is."""
        return Requester(self.guild_id, self.member_id)

    @property
    def files(self) -> tuple[Input, ...]:
        """All files that were given."""
        sound = () if self.soundtrack is None else (self.soundtrack,)
        return (*(item for shot in self.shots for item in shot.files), *sound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A shot and the job that makes it, whose id is fixed before there is such a job.

    `number` counts the takes of this shot, from 0. `former` is the take that is used again if this one is left out.
    `skipped` says that the film goes on without this take, `unpaid` that nothing is held for it any more although its
    job was not begun.
    """

    shot: Shot
    job_id: str
    quote_microusd: int = 0
    formula: str = ""
    number: int = 0
    former: "Take | None" = None
    skipped: bool = False
    unpaid: bool = False

    def left_out(self) -> "Take":
        """Return what the film goes on with when this take is left out."""
        return replace(self, skipped=True) if self.former is None else replace(self.former, number=self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The joined video of these jobs' videos; `name` is that of the kept file (`bot.files.names`)."""

    name: str
    job_ids: tuple[str, ...]
    seconds: float
    size_bytes: int
    width: int
    height: int
    has_sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Film(Plan):
    """An ordered film. Its id was the draft's, and is the group of its reservations. Times are Unix seconds.

    The files that it was ordered with are in `inputs/<id>/`, and its joined video too. `revision` counts how often it
    was joined. `address` is its one message. `ends_at` is when what is not made by then is given up. `asked_jobs` are
    the jobs that were ordered last, as long as they wait for approval; that of the first one decides on all. `why` says
    in one word why it is paused or ended without a video: `shot`, `join`, `post`, `stopped`, `nothing`, or the kind of
    the first job's failure. `posted` is what its message holds. `shown_at` is the `updated_at` that its message shows,
    as far as it must; `cancelling` are jobs that are still to be cancelled because it was stopped; `replaced` are the
    names of joined videos before this one.
    """

    who: Who
    address: Address
    takes: tuple[Take, ...]
    state: FilmState
    created_at: float
    updated_at: float
    ends_at: float
    prices_version: str = ""
    revision: int = 0
    asked_jobs: tuple[str, ...] = ()
    joined: Joined | None = None
    posted: PostedVideo | None = None
    why: str = ""
    continues: str | None = None
    shown_at: float = 0.0
    cancelling: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    files_gone_at: float | None = None

    @property
    def requester(self) -> Requester:
        """For whom it is made."""
        return self.who.requester

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done for it."""
        return self.state not in ENDED or bool(self.cancelling) or self.must_be_shown

    @property
    def must_be_shown(self) -> bool:
        """Whether its message does not say yet that somebody has to decide, or how it ended."""
        return self.state in {"paused", "done", "cancelled"} and self.shown_at != self.updated_at

    def take(self, number: int) -> Take:
        """Return the take of the shot with this number, from 1."""
        return self.takes[number - 1]

    def with_take(self, number: int, take: Take) -> Self:
        """Return the film with another take of this shot."""
        takes = list(self.takes)
        takes[number - 1] = take
        return replace(self, takes=tuple(takes))


def take_id(film_id: str, shot_id: str, number: int) -> str:
    """Return the id of the job of a take: always the same, so that a repeated order adds none.

    It differs from others of the film at its end and in its middle: ids are cut in nonces and short ids.
    """
    digest = hashlib.sha256(f"{film_id}:{shot_id}:{number}".encode()).hexdigest()
    return f"{film_id[:_TIME_DIGITS]}{digest[: len(film_id) - _TIME_DIGITS]}"


@dataclass(frozen=True, slots=True)
class _OneAsked:
    """What waiting films of versions before `asked_jobs` say: the one job whose approval decided on all to come."""

    asked_job: str | None = None


_DRAFT, _FILM, _ONE_ASKED = TypeAdapter(Draft), TypeAdapter(Film), TypeAdapter(_OneAsked)


def draft_body(draft: Draft) -> str:
    """Return the draft as JSON for its row."""
    return _DRAFT.dump_json(draft).decode()


def film_body(film: Film) -> str:
    """Return the film as JSON for its row."""
    return _FILM.dump_json(film).decode()


def readable_draft(row: Row) -> Draft | None:
    """Return the draft in the row's `body`, or None for a document that this version cannot read."""
    try:
        return _DRAFT.validate_json(row["body"])
    except ValidationError:
        return None


def readable_film(row: Row) -> Film | None:
    """Return the film in the row's `body`, or None for a document that this version cannot read."""
    try:
        film = _FILM.validate_json(row["body"])
        if film.state != "waiting" or film.asked_jobs:
            return film
        asked = _ONE_ASKED.validate_json(row["body"]).asked_job
    except ValidationError:
        return None
    return film if asked is None else replace(film, asked_jobs=(asked, *_to_make(film, but=asked)))


def _to_make(film: Film, *, but: str) -> list[str]:
    return [take.job_id for take in film.takes if take.shot.made is None and take.job_id != but]
