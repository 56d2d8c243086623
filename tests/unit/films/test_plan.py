"""What happens next in a film, from its row and its jobs alone."""

import json
from dataclasses import replace

import pytest

from bot.errors import OptionRefused
from bot.films import acts
from bot.films.model import Film, Joined, Joining, film_body, readable_film
from bot.films.plan import (
    Begin,
    Cancel,
    Decline,
    GiveUp,
    Join,
    Keep,
    Pause,
    Post,
    Resume,
    Show,
    Start,
    follows,
    next_steps,
)
from bot.jobs.model import Failure, Job, PostedVideo
from tests.support.film_samples import a_film, a_shot_job
from tests.support.job_samples import NOW, RESULT

JOINED = Joined(name="x", job_ids=(), seconds=10.0, size_bytes=1, width=2, height=2, has_sound=False)


def steps(film: Film, *jobs: Job, now: float = NOW, at_once: int = 4) -> tuple[object, ...]:
    """Return what is to be done with these jobs."""
    return next_steps(film, {job.id: job for job in jobs}, now=now, at_once=at_once)


def made(film: Film, *numbers: int) -> list[Job]:
    """Return the jobs of shots that are made."""
    return [a_shot_job(film, number) for number in numbers]


def test_cuts_begin_at_once_and_others_wait_for_the_shot_before() -> None:
    """A cut depends on nothing; a continuation begins with the last frame of the video before it."""
    film = a_film("cut", "continue", "cut", "morph")
    assert steps(film) == (Begin(1), Begin(3))
    assert steps(film, at_once=1) == (Begin(1),)
    running = a_shot_job(film, 1, "running")
    assert steps(film, running) == (Begin(3),)
    assert steps(film, running, at_once=1) == ()
    first = film.take(1).job_id
    assert steps(film, *made(film, 1)) == (Begin(2, after=first), Begin(3))
    assert steps(film, *made(film, 1, 3)) == (Begin(2, after=first), Begin(4, after=film.take(3).job_id))


def test_it_is_joined_when_all_shots_are_made_and_posted_then() -> None:
    """A shot whose video is made but not posted yet is waited for; one that could not be posted is made."""
    film = a_film("cut", "continue")
    assert steps(film, *made(film, 1), a_shot_job(film, 2, "delivering")) == ()
    jobs = [*made(film, 1), a_shot_job(film, 2, "failed", result=RESULT)]
    ids = tuple(take.job_id for take in film.takes)
    assert steps(film, *jobs) == (Join(ids),)
    assert steps(replace(film, state="joining"), *jobs) == (Join(ids),)
    assert steps(replace(film, state="posting"), *jobs) == (Post(),)
    assert steps(replace(film, state="done"), *jobs) == (Show(),)
    assert steps(replace(film, state="done", shown_at=film.updated_at), *jobs) == ()


def test_a_shot_that_is_not_made_pauses_the_film() -> None:
    """Nothing begins after it, whoever waits; what is under way goes on. A late video resumes it."""
    film = a_film("cut", "cut", "cut")
    failed = a_shot_job(film, 1, "failed")
    assert steps(film, failed) == (Pause(1),)
    assert steps(replace(film, state="paused"), failed) == (Show(),)
    paused = replace(film, state="paused", shown_at=film.updated_at)
    assert steps(paused, failed) == ()
    assert steps(paused, *made(film, 1)) == (Resume(),)


def test_what_begins_after_a_skipped_shot_begins_where_the_last_made_one_ends() -> None:
    """With none before it, it begins with its prompt alone."""
    film = a_film("cut", "continue", "continue")
    without_second = film.with_take(2, replace(film.take(2), skipped=True))
    assert steps(without_second, *made(film, 1)) == (Begin(3, after=film.take(1).job_id),)
    without_first = film.with_take(1, replace(film.take(1), skipped=True))
    assert steps(without_first) == (Begin(2),)


def test_a_film_over_its_time_goes_on_without_what_is_not_made() -> None:
    """What is under way is waited for; what was made is joined; nothing made is no film."""
    film = a_film("cut", "continue", "continue")
    late = NOW + 1000
    assert steps(film, *made(film, 1), now=late) == (GiveUp(),)
    jobs = {job.id: job for job in made(film, 1)}
    change = acts.given_up(film, jobs, now=late)
    assert change.release == (film.take(2).job_id, film.take(3).job_id)
    assert steps(change.film, *jobs.values(), now=late) == (Join((film.take(1).job_id,)),)
    nothing = acts.given_up(replace(film, state="paused"), {}, now=late)
    assert steps(nothing.film, now=late) == (Cancel("nothing"),)


def test_approval_decides_on_all_shots() -> None:
    """While the first one waits nothing begins; a yes starts the others, a no ends the film."""
    film = a_film("cut", "cut")
    film = replace(film, state="waiting", asked_jobs=tuple(take.job_id for take in film.takes))
    assert steps(film, a_shot_job(film, 1, "waiting")) == ()
    assert steps(film, a_shot_job(film, 1, "waiting"), now=NOW + 10**6) == ()
    assert steps(film, a_shot_job(film, 1, "accepted")) == (Start(),)
    declined = a_shot_job(film, 1, "cancelled", failure=Failure(kind="declined"))
    assert steps(film, declined) == (Cancel("declined"),)
    failed_later = a_shot_job(film, 1, "failed", failure=Failure(kind="refused"))
    assert steps(film, failed_later) == (Start(),)


def as_stored_before(film: Film, asked: int) -> Film:
    """Return a film as a version wrote it that noted only the job of this shot, and as this version reads it."""
    body = json.loads(film_body(replace(film, state="waiting")))
    del body["asked_jobs"]
    read = readable_film({"body": json.dumps(body | {"asked_job": film.take(asked).job_id})})
    assert read is not None
    return read


def test_a_no_ends_a_film_that_an_earlier_version_stored() -> None:
    """Its shots to come are given back with the one that was asked about."""
    film = as_stored_before(a_film("cut", "cut", "continue"), 1)
    declined = a_shot_job(film, 1, "cancelled", failure=Failure(kind="declined"))
    assert steps(film, declined) == (Cancel("declined"),)
    change = acts.cancelled(film, {declined.id: declined}, why="declined", now=NOW)
    assert change.release == (film.take(2).job_id, film.take(3).job_id)


def test_a_no_leaves_what_an_earlier_version_had_made() -> None:
    """Of a redo only the new takes are left out."""
    film, jobs = finished()
    takes = acts.redone(film, jobs, number=2, shot=film.take(2).shot, and_following=False)
    redoing = as_stored_before(acts.with_takes(film, takes, is_waiting=False, now=NOW, ends_at=NOW + 1000), 2)
    declined = a_shot_job(redoing, 2, "cancelled", failure=Failure(kind="declined"))
    assert steps(redoing, *jobs.values(), declined) == (Decline(),)
    kept = acts.declined(redoing, {**jobs, declined.id: declined}, now=NOW)
    assert (kept.film.take(1), kept.film.take(2).job_id) == (film.take(1), film.take(2).job_id)
    assert kept.release == ()


@pytest.mark.parametrize(
    ("joinings", "number", "expected"),
    [
        (("cut", "continue", "morph", "cut", "continue"), 1, (2, 3)),
        (("cut", "continue", "morph", "cut", "continue"), 4, (5,)),
        (("cut", "cut"), 1, ()),
    ],
)
def test_a_redo_names_what_follows(joinings: tuple[Joining, ...], number: int, expected: tuple[int, ...]) -> None:
    """These are the shots that begin where it ends, up to the next cut."""
    assert follows(a_film(*joinings), number) == expected


def finished() -> tuple[Film, dict[str, Job]]:
    """Return a film of three shots that is posted, and its jobs."""
    film = a_film("cut", "continue", "cut")
    jobs = {job.id: job for job in made(film, 1, 2, 3)}
    posted = PostedVideo(size_bytes=1)
    return replace(film, state="done", posted=posted, joined=replace(JOINED, job_ids=tuple(jobs))), jobs


def test_a_redo_makes_one_shot_and_only_with_a_yes_what_follows() -> None:
    """The new takes have ids of their own, and keep the old ones in case they are not made."""
    film, jobs = finished()
    alone = acts.redone(film, jobs, number=1, shot=film.take(1).shot, and_following=False)
    assert list(alone) == [1]
    both = acts.redone(film, jobs, number=1, shot=film.take(1).shot, and_following=True)
    assert list(both) == [1, 2]
    assert both[1].job_id not in jobs
    assert both[1].former == film.take(1)
    with pytest.raises(OptionRefused):
        acts.redone(replace(film, state="making"), jobs, number=1, shot=film.take(1).shot, and_following=False)


def test_a_redo_that_is_left_out_keeps_the_posted_film() -> None:
    """Skipped, declined or stopped: the video before is the shot's again, and nothing is joined anew."""
    film, jobs = finished()
    takes = acts.redone(film, jobs, number=2, shot=film.take(2).shot, and_following=False)
    redoing = acts.with_takes(film, takes, is_waiting=True, now=NOW, ends_at=NOW + 1000)
    declined = a_shot_job(redoing, 2, "cancelled", failure=Failure(kind="declined"))
    assert steps(redoing, *jobs.values(), declined) == (Decline(),)
    kept = acts.declined(redoing, {**jobs, declined.id: declined}, now=NOW)
    assert kept.film.take(2).job_id == film.take(2).job_id
    assert steps(kept.film, *jobs.values()) == (Keep(),)
    making = replace(redoing, state="making", asked_jobs=())
    stopped = acts.stopped(making, jobs, now=NOW)
    assert stopped.release == (takes[2].job_id,)
    assert steps(stopped.film, *jobs.values()) == (Keep(),)
    again = acts.redone(
        replace(stopped.film, state="done"), jobs, number=2, shot=film.take(2).shot, and_following=False
    )
    assert again[2].job_id not in {take.job_id for take in (*film.takes, *takes.values())}


def test_a_retry_waits_for_what_it_begins_with() -> None:
    """A continuation of a shot that was not made is refused with the number of that shot."""
    film = replace(a_film("cut", "continue"), state="paused")
    film = film.with_take(2, replace(film.take(2), unpaid=True))
    jobs = {job.id: job for job in [a_shot_job(film, 1, "failed")]}
    with pytest.raises(OptionRefused, match="Try shot 1 again"):
        acts.retried(film, jobs, number=2, job_id=film.take(2).job_id, shot=film.take(2).shot)
    takes = acts.retried(film, jobs, number=1, job_id=film.take(1).job_id, shot=film.take(1).shot)
    assert takes[1].number == 1
    with pytest.raises(OptionRefused):
        acts.retried(film, jobs, number=1, job_id="0" * 32, shot=film.take(1).shot)
