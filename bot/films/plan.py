"""What happens next in a film: a pure function of its row and its jobs, the same while it runs and after a crash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.films.model import ENDED, Film, Take
from bot.jobs.model import FINISHED, Job

TakeLook: TypeAlias = Literal[
    "to come",  # its money is held; its job is not begun
    "waiting",  # its job waits for approval
    "making",
    "made",  # there is a video, which is posted, or could not be
    "failed",  # its job ended without one
    "unpaid",  # its job is not begun, and nothing is held for it any more
    "skipped",  # the film goes on without it
]
MISSING: frozenset[TakeLook] = frozenset({"failed", "unpaid"})
NOT_APPROVED = frozenset({"declined", "unapproved", "unasked", "removed"})  # kinds of failures before a job begins
UNDER_WAY: frozenset[TakeLook] = frozenset({"waiting", "making"})


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin the job of a shot; `after` is the job whose last frame it begins with."""

    number: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """It was approved: the other shots may begin."""


@dataclass(frozen=True, slots=True)
class Decline:
    """What was ordered last of a film that is partly made was not approved: it stays as it was."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A shot was not made: begin nothing more until somebody decides."""

    number: int


@dataclass(frozen=True, slots=True)
class Resume:
    """No shot is missing any more."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is over its time: what is not begun is left out and released."""


@dataclass(frozen=True, slots=True)
class Join:
    """Every shot is made or left out: join the videos of these jobs, in this order."""

    job_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """It is as it was posted: what was ordered since was left out."""


@dataclass(frozen=True, slots=True)
class Post:
    """The joined video is kept: post it."""


@dataclass(frozen=True, slots=True)
class Show:
    """Its message does not say yet that it is paused, or how it ended."""


@dataclass(frozen=True, slots=True)
class Abort:
    """It was stopped: cancel these jobs, as far as that is possible."""

    job_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nothing of it was made, or nobody approved it: it ends without a video."""

    why: str


Step: TypeAlias = Begin | Start | Decline | Pause | Resume | GiveUp | Join | Keep | Post | Cancel | Show | Abort


def look_of(take: Take, job: Job | None) -> TakeLook:
    """Return how a take stands; `job` is None as long as it is not begun."""
    if take.skipped:
        return "skipped"
    if job is None:
        return "unpaid" if take.unpaid else "to come"
    if job.state in FINISHED:  # not before it is posted: until then its own task is fetching the video
        return "failed" if job.result is None else "made"
    return "waiting" if job.state == "waiting" else "making"


def looks_of(film: Film, jobs: Mapping[str, Job]) -> tuple[TakeLook, ...]:
    """Return how each shot stands."""
    return tuple(look_of(take, jobs.get(take.job_id)) for take in film.takes)


def next_steps(film: Film, jobs: Mapping[str, Job], *, now: float, at_once: int) -> tuple[Step, ...]:
    """Return what is to be done now; nothing when the film waits for a job, for a person or for its end.

    `jobs` are those of its takes that there are. `at_once` is how many of its shots may be in the making.
    """
    if film.cancelling:
        return (Abort(film.cancelling),)
    if film.must_be_shown:
        return (Show(),)
    if film.state == "posting":
        return (Post(),)
    return () if film.state in ENDED else _of_shots(film, jobs, now, at_once)


def _of_shots(film: Film, jobs: Mapping[str, Job], now: float, at_once: int) -> tuple[Step, ...]:
    """Return what follows from how the shots stand."""
    looks = looks_of(film, jobs)
    if film.state == "waiting" and "waiting" not in looks:
        return _decided(film, jobs, looks)
    if now >= film.ends_at and any(look in MISSING or look == "to come" for look in looks):
        return () if "waiting" in looks else (GiveUp(),)
    if film.state == "waiting":
        return ()
    missing = next((number for number, look in enumerate(looks, 1) if look in MISSING), None)
    if missing is not None:
        return () if film.state == "paused" else (Pause(missing),)
    if film.state == "paused":
        return (Resume(),)
    if "to come" in looks:
        return tuple(_beginnings(film, looks, at_once))
    return () if UNDER_WAY.intersection(looks) else _whole(film, looks)


def _decided(film: Film, jobs: Mapping[str, Job], looks: Sequence[TakeLook]) -> tuple[Step, ...]:
    """Return what follows once the job that was to be approved does not wait any more."""
    asked = jobs.get(film.asked_jobs[0]) if film.asked_jobs else None
    if asked is None or not _is_declined(asked):
        return (Start(),)
    if any(look in {"made", "making"} for look in looks) or any(take.former for take in film.takes):
        return (Decline(),)
    return (Cancel("stopped" if asked.failure is None else asked.failure.kind),)


def _is_declined(job: Job) -> bool:
    """Return whether a job ended before it was approved."""
    if job.failure is not None:
        return job.failure.kind in NOT_APPROVED
    return job.state == "cancelled" and job.submitted_at is None


def _beginnings(film: Film, looks: Sequence[TakeLook], at_once: int) -> list[Begin]:
    """Return the shots that can begin: those that wait for no other one, as far as there are places."""
    free = at_once - sum(look in UNDER_WAY for look in looks)
    found: list[Begin] = []
    for number, (take, look) in enumerate(zip(film.takes, looks, strict=True), 1):
        if look != "to come" or len(found) >= free:
            continue
        if not take.shot.needs_frame:
            found.append(Begin(number))
            continue
        before = source_of(looks, number)
        if before is None:
            found.append(Begin(number))  # all shots before it were left out
        elif looks[before - 1] == "made":
            found.append(Begin(number, after=film.take(before).job_id))
    return found


def beginning_of(film: Film, jobs: Mapping[str, Job], number: int) -> Begin | None:
    """Return how a shot begins; None if what it begins with is not made."""
    looks = looks_of(film, jobs)
    before = source_of(looks, number) if film.take(number).shot.needs_frame else None
    if before is None:
        return Begin(number)
    return Begin(number, after=film.take(before).job_id) if looks[before - 1] == "made" else None


def source_of(looks: Sequence[TakeLook], number: int) -> int | None:
    """Return the number of the shot whose last frame this one begins with: the last one before it not left out."""
    return next((before for before in range(number - 1, 0, -1) if looks[before - 1] != "skipped"), None)


def _whole(film: Film, looks: Sequence[TakeLook]) -> tuple[Step, ...]:
    made = tuple(take.job_id for take, look in zip(film.takes, looks, strict=True) if look == "made")
    if not made:
        return (Cancel("nothing"),)
    is_posted = film.posted is not None and film.joined is not None and film.joined.job_ids == made
    return (Keep(),) if is_posted and film.state != "joining" else (Join(made),)


def follows(film: Film, number: int) -> tuple[int, ...]:
    """Return the numbers of the shots that begin where this one ends, directly or over others."""
    found: list[int] = []
    for later in range(number + 1, len(film.takes) + 1):
        if film.take(later).skipped:
            continue
        if not film.take(later).shot.needs_frame:
            break
        found.append(later)
    return tuple(found)
