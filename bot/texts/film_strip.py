"""A film and what is known of its shots, as its card and its buttons are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

from bot.films.model import Film
from bot.films.plan import MISSING, TakeLook, looks_of
from bot.jobs.model import Job, Live

Jobs: TypeAlias = Mapping[str, Job]  # by id
Lives: TypeAlias = Mapping[str, Live]  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A film and its shots at `now` (Unix seconds); `jobs` are those of its takes that there are."""

    film: Film
    jobs: Jobs
    lives: Lives
    looks: Sequence[TakeLook]
    now: float

    @classmethod
    def of(cls, film: Film, jobs: Jobs, lives: Lives, *, now: float) -> Self:
        """Return the strip of the film."""
        return cls(film=film, jobs=jobs, lives=lives, looks=looks_of(film, jobs), now=now)

    def job(self, number: int) -> Job | None:
        """Return the job of the shot with this number, from 1; None while it is not begun."""
        return self.jobs.get(self.film.take(number).job_id)

    @property
    def asked(self) -> Job | None:
        """The job that stands for the film where it waits for approval."""
        return next((job for job in self.jobs.values() if job.state == "waiting"), None)

    @property
    def missing(self) -> list[int]:
        """The numbers of the shots that a decision is needed for."""
        return [number for number, look in enumerate(self.looks, start=1) if look in MISSING]

    @property
    def shown(self) -> list[Job]:
        """The jobs whose videos the film's message has, in the order of the shots."""
        found = (self.jobs.get(take.job_id) for take in self.film.takes)
        return [job for job in found if job is not None and is_shown(self.film, job)]


def is_on_message(film: Film, job: Job) -> bool:
    """Return whether the job's card is the film's message, and not one of its own or of another film."""
    return job.address.message_id == film.address.message_id


def is_shown(film: Film, job: Job) -> bool:
    """Return whether the film's message has the video itself."""
    return job.state == "done" and job.posted is not None and job.posted.reason is None and is_on_message(film, job)
