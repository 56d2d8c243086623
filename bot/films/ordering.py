"""The film that a draft becomes."""

from collections.abc import Sequence
from dataclasses import replace

from bot.catalogue.price import PriceTable
from bot.errors import FilesGone
from bot.films.acts import Jobs, with_takes
from bot.films.model import Draft, Film, Shot, Take, take_id
from bot.films.plan import looks_of, source_of
from bot.films.quoting import FilmQuote, shot_quote
from bot.jobs.model import Address, Job
from bot.ledger.model import Who


def film_from(draft: Draft, quoted: FilmQuote, who: Who, address: Address, *, now: float, life_s: float) -> Film:
    """Return the film, with the ids that the jobs of its shots will have."""
    takes: list[Take] = []
    for shot, quote in zip(draft.shots, quoted.shots, strict=True):
        if quote is None:
            takes.append(Take(shot=shot, job_id=shot.made or ""))
        else:
            job_id = take_id(draft.id, shot.id, 0)
            takes.append(Take(shot=shot, job_id=job_id, quote_microusd=quote.microusd, formula=quote.formula))
    return Film(
        id=draft.id,
        family=draft.family,
        resolution=draft.resolution,
        aspect_ratio=draft.aspect_ratio,
        soundtrack=draft.soundtrack,
        crossfade_s=draft.crossfade_s,
        who=who,
        address=address,
        takes=tuple(takes),
        state="making",
        created_at=now,
        updated_at=now,
        ends_at=now + life_s,
        prices_version=quoted.prices_version,
        continues=draft.continues,
    )


def to_make(film: Film) -> dict[int, Take]:
    """Return the takes of a new film that are to be made, by the numbers of their shots."""
    return {number: take for number, take in enumerate(film.takes, 1) if take.shot.made is None}


def first_take(film: Film) -> tuple[int, Take]:
    """Return the take that a new film begins with, and the number of its shot."""
    return next(iter(to_make(film).items()))


def as_accepted(film: Film, takes: dict[int, Take], first: Job) -> Film:
    """Return the film as the job of the first of these takes was accepted: being made, or waiting for approval."""
    if first.state != "waiting":
        return film
    return with_takes(film, takes, is_waiting=True, now=film.updated_at, ends_at=film.ends_at)


def priced(film: Film, jobs: Jobs, takes: dict[int, Take], prices: PriceTable) -> dict[int, Take]:
    """Return the takes with what each costs now, beginning as it will in the film with all; raises as `shot_quote`."""
    found: dict[int, Take] = {}
    for number, take in takes.items():
        film = film.with_take(number, take)
    looks = looks_of(film, jobs)
    for number, take in takes.items():
        shot = replace(take.shot, made=None)
        if shot.needs_frame and source_of(looks, number) is None:
            shot = replace(shot, joining="cut", picture=None)  # all before it were left out
        quote = shot_quote(film, shot, prices)
        microusd, formula = (0, "") if quote is None else (quote.microusd, quote.formula)
        found[number] = replace(take, quote_microusd=microusd, formula=formula)
    return found


def check_made(shots: Sequence[Shot], jobs: Jobs, who: Who) -> None:
    """Check that the shots which are made already are videos of this member in this server.

    Raises:
        FilesGone: one is not, or not any more.
    """
    for number, shot in enumerate(shots, 1):
        job = None if shot.made is None else jobs.get(shot.made)
        if shot.made is None:
            continue
        if job is None or job.result is None or job.requester != who.requester or job.files_gone_at is not None:
            raise FilesGone(
                f"Wanda no longer has the video of shot {number}. Edit the shot to make it anew, or remove it."
            )


def continued(film: Film, jobs: Jobs, draft: Draft) -> Draft:
    """Return the draft with the film's settings and its made shots, to which its member adds new ones.

    The shots keep their pictures, so that each can also be made anew.
    """
    shots: list[Shot] = []
    for take, look in zip(film.takes, looks_of(film, jobs), strict=True):
        if look == "made":
            shots.append(replace(take.shot, made=take.job_id))
    return replace(
        draft,
        family=film.family,
        resolution=film.resolution,
        aspect_ratio=film.aspect_ratio,
        soundtrack=film.soundtrack,
        crossfade_s=film.crossfade_s,
        shots=tuple(shots),
        continues=film.id,
    )
