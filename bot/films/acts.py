"""What changes a film: pure functions of its row and its jobs that say the new row and what is released with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.errors import OptionRefused
from bot.films.model import ENDED, Film, Joined, Shot, Take, take_id
from bot.films.plan import (
    MISSING,
    UNDER_WAY,
    Cancel,
    Decline,
    GiveUp,
    Keep,
    Pause,
    Resume,
    Start,
    Step,
    TakeLook,
    follows,
    looks_of,
    source_of,
)
from bot.jobs.model import Address, Job, PostedVideo

GONE = "Wanda no longer knows this film."
OVER = "This film is over, so there is nothing to change. Make a new one with `/film`."
MOVED_ON = "The film has moved on meanwhile. Look at its message and choose again."
NOT_READY = "The film is still being made. Wait until it's done, or stop it."
Jobs: TypeAlias = Mapping[str, Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The film as it is then, and the jobs to come whose reservations are released in the same transaction."""

    film: Film
    release: tuple[str, ...] = ()
    reason: str = ""


Act: TypeAlias = Callable[[Film, Jobs], Change]


def act_of(step: Step, *, now: float, life_s: float) -> Act:
    """Return the act of a step that changes the film's row and nothing else.

    Raises:
        TypeError: the step does more.
    """
    match step:
        case Start():
            return lambda film, _: started(film, now=now, life_s=life_s)
        case Decline():
            return lambda film, jobs: declined(film, jobs, now=now)
        case Pause():
            return lambda film, _: paused(film, now=now)
        case Resume():
            return lambda film, _: resumed(film, now=now)
        case GiveUp():
            return lambda film, jobs: given_up(film, jobs, now=now)
        case Keep():
            return lambda film, _: kept(film, now=now)
        case Cancel(why):
            return lambda film, jobs: cancelled(film, jobs, why=why, now=now)
        case _:
            raise TypeError(f"this does more than change the row: {step}")


def started(film: Film, *, now: float, life_s: float) -> Change:
    """Let the other shots begin: it was approved."""
    return Change(film=replace(film, state="making", asked_jobs=(), updated_at=now, ends_at=now + life_s))


def declined(film: Film, jobs: Jobs, *, now: float) -> Change:
    """Leave what was ordered last as it was before: it was not approved. What was ordered before goes on."""
    release: list[str] = []
    takes: list[Take] = []
    for take, look in zip(film.takes, looks_of(film, jobs), strict=True):
        if take.job_id not in film.asked_jobs or look in {"made", "making"}:
            takes.append(take)
            continue
        if look == "to come":
            release.append(take.job_id)
        takes.append(take.left_out() if take.former is not None else replace(take, unpaid=look == "to come"))
    film = replace(film, takes=tuple(takes), state="making", asked_jobs=(), updated_at=now)
    return Change(film=film, release=tuple(release), reason="it was not approved")


def paused(film: Film, *, now: float) -> Change:
    """Begin nothing more: a shot is missing."""
    return Change(film=replace(film, state="paused", why="shot", updated_at=now))


def resumed(film: Film, *, now: float) -> Change:
    """Go on: no shot is missing any more."""
    return Change(film=replace(film, state="making", why="", updated_at=now))


def given_up(film: Film, jobs: Jobs, *, now: float) -> Change:
    """Leave out what is not begun and what is missing; what is under way is waited for."""
    return _without(film, jobs, now=now, is_out=lambda look, _: look == "to come" or look in MISSING)


def finished_as_it_is(film: Film, jobs: Jobs, *, now: float) -> Change:
    """Leave out the same, because its member says so.

    Raises:
        OptionRefused: it is over, or nothing of it is made or under way.
    """
    check_open(film)
    looks = looks_of(film, jobs)
    if film.state not in {"making", "paused"}:
        raise OptionRefused(MOVED_ON)
    if not any(look in {"made", "making"} for look in looks) and not any(take.former for take in film.takes):
        raise OptionRefused("Nothing of this film is made yet. Try the shot again, or stop the film.")
    return given_up(film, jobs, now=now)


def skipped(film: Film, jobs: Jobs, *, number: int, job_id: str, now: float) -> Change:
    """Go on without this shot, or with the video that it had before.

    Raises:
        OptionRefused: the shot is not missing any more.
    """
    check_missing(film, jobs, number=number, job_id=job_id)
    return _without(film, jobs, now=now, is_out=lambda _, take: take.job_id == job_id)


def stopped(film: Film, jobs: Jobs, *, now: float) -> Change:
    """End it without joining; its jobs under way are to be cancelled.

    A film that was posted before is not ended: its redo is, and it goes on with what is made.

    Raises:
        OptionRefused: it is over, or is being joined.
    """
    check_open(film)
    if film.state in {"joining", "posting"}:
        raise OptionRefused("All its shots are made, and the film is about to be posted. It's too late to stop it.")
    under_way = [take.job_id for take, look in zip(film.takes, looks_of(film, jobs), strict=True) if look in UNDER_WAY]
    if film.posted is None:
        change = cancelled(film, jobs, why="stopped", now=now)
    else:
        change = _without(film, jobs, now=now, is_out=lambda look, _: look != "made")
    return replace(change, film=replace(change.film, cancelling=tuple(under_way)))


def aborted(film: Film) -> Change:
    """Note that the jobs of a stopped film were asked to end."""
    return Change(film=replace(film, cancelling=()))


def shown(film: Film, address: Address | None, *, updated_at: float) -> Change:
    """Note that its message shows what it was at that time, and where that message is."""
    return Change(film=replace(film, shown_at=updated_at, address=address or film.address))


def kept(film: Film, *, now: float) -> Change:
    """Note that it stays as it was posted."""
    return Change(film=replace(film, state="done", why="", updated_at=now))


def missed(film: Film, *, number: int, job_id: str, now: float) -> Change:
    """Note that a shot cannot be begun with what is held for it, which is released."""
    take = film.take(number)
    if take.job_id != job_id or film.state in ENDED:
        return Change(film=film)
    film = replace(film.with_take(number, replace(take, unpaid=True)), updated_at=now)
    return Change(film=film, release=(job_id,), reason="the shot cannot be begun")


def joining(film: Film, *, now: float) -> Change:
    """Note that all shots are made or left out."""
    return Change(film=replace(film, state="joining", why="", updated_at=now))


def joined(film: Film, video: Joined, *, now: float) -> Change:
    """Note that the joined video is kept; the one before is removed when this one is posted."""
    old = () if film.joined is None or film.joined.name == video.name else (film.joined.name,)
    film = replace(film, state="posting", joined=video, replaced=(*film.replaced, *old), revision=film.revision + 1)
    return Change(film=replace(film, updated_at=now))


def without_video(film: Film, *, why: str, now: float) -> Change:
    """End it without its joined video, which cannot be made or posted: its shots stay posted."""
    return Change(film=replace(film, state="done", why=why, updated_at=now))


def posted(film: Film, video: PostedVideo | None, joined: Joined, address: Address, *, now: float) -> Change:
    """Note that its message holds the joined video, and that those before are removed."""
    video = video or PostedVideo(size_bytes=None)
    film = replace(film, state="done", posted=video, joined=joined, replaced=(), address=address, why="")
    return Change(film=replace(film, updated_at=now, shown_at=now))


def cancelled(film: Film, jobs: Jobs, *, why: str, now: float) -> Change:
    """End it without a video: nothing of it was made, or it was not approved."""
    change = _without(film, jobs, now=now, is_out=lambda look, _: look == "to come")
    return replace(change, film=replace(change.film, state="cancelled", why=why))


def with_takes(film: Film, takes: Mapping[int, Take], *, is_waiting: bool, now: float, ends_at: float) -> Film:
    """Return the film with new takes, which are begun or wait for approval of the first of them."""
    for number, take in takes.items():
        film = film.with_take(number, take)
    state = "waiting" if is_waiting else "making"
    asked = tuple(takes[number].job_id for number in sorted(takes)) if is_waiting else ()
    return replace(film, state=state, why="", asked_jobs=asked, updated_at=now, ends_at=ends_at)


def new_take(film: Film, number: int, shot: Shot, *, is_made: bool) -> Take:
    """Return a further take of a shot; the one that has a video is used again if this one is left out."""
    take = film.take(number)
    former = replace(take, former=None) if is_made else take.former
    count = take.number + 1
    return Take(
        shot=replace(shot, made=None), job_id=take_id(film.id, take.shot.id, count), number=count, former=former
    )


def redone(film: Film, jobs: Jobs, *, number: int, shot: Shot, and_following: bool) -> dict[int, Take]:
    """Return the takes of a shot that is made anew, and of those after it that begin where it ends.

    Raises:
        OptionRefused: the film is still being made, or the shot is gone.
    """
    if film.state != "done":
        raise OptionRefused(NOT_READY if film.state != "cancelled" else OVER)
    looks = _looks(film, jobs, number)
    takes = {number: new_take(film, number, shot, is_made=looks[number - 1] == "made")}
    for later in follows(film, number) if and_following else ():
        takes[later] = new_take(film, later, film.take(later).shot, is_made=looks[later - 1] == "made")
    return takes


def retried(film: Film, jobs: Jobs, *, number: int, job_id: str, shot: Shot) -> dict[int, Take]:
    """Return the take of a missing shot that is tried again.

    Raises:
        OptionRefused: it is not missing any more, or what it begins with is not made.
    """
    check_missing(film, jobs, number=number, job_id=job_id)
    before = source_of(looks_of(film, jobs), number) if shot.needs_frame else None
    if before is not None and looks_of(film, jobs)[before - 1] != "made":
        raise OptionRefused(
            f"This shot begins where shot {before} ends, and that one isn't made. Try shot {before} again, or skip it."
        )
    return {number: new_take(film, number, shot, is_made=False)}


def check_open(film: Film) -> None:
    """Check that the film has not ended; raises OptionRefused."""
    if film.state in ENDED:
        raise OptionRefused(OVER)


def check_missing(film: Film, jobs: Jobs, *, number: int, job_id: str) -> None:
    """Check that this take of a paused film was not made; raises OptionRefused."""
    check_open(film)
    looks = _looks(film, jobs, number)
    if film.take(number).job_id != job_id or looks[number - 1] not in MISSING or film.state not in {"making", "paused"}:
        raise OptionRefused(MOVED_ON)


def _looks(film: Film, jobs: Jobs, number: int) -> tuple[TakeLook, ...]:
    if not 1 <= number <= len(film.takes):
        raise OptionRefused(MOVED_ON)
    return looks_of(film, jobs)


def _without(film: Film, jobs: Jobs, *, now: float, is_out: Callable[[TakeLook, Take], bool]) -> Change:
    """Leave out some takes; those that are not begun have a reservation, which is released."""
    release: list[str] = []
    takes: list[Take] = []
    for take, look in zip(film.takes, looks_of(film, jobs), strict=True):
        if look == "skipped" or not is_out(look, take):
            takes.append(take)
            continue
        takes.append(take.left_out())
        if look == "to come":
            release.append(take.job_id)
    film = replace(film, takes=tuple(takes), state="making", why="", asked_jobs=(), updated_at=now)
    return Change(film=film, release=tuple(release), reason="the film goes on without it")
