"""Variations: two to four videos ordered at once, which differ in their seeds.

They are a set of ordinary jobs. Each has a hold, files, a request at fal and an end of its own, so that each is paid
once and survives a crash by itself. What they share is the moment of acceptance (`bot.jobs.acceptance.accept_all`),
an approval, and the message that shows them.
"""

import hashlib
from dataclasses import replace

from bot.catalogue.fields import SEED_MAX
from bot.catalogue.mode import Mode
from bot.catalogue.registry import build, by_id
from bot.errors import OptionRefused
from bot.jobs.model import (
    VARIATIONS_MAX,
    VARIATIONS_MIN,
    Job,
    Order,
    Request,
    Variation,
    asked_seed,
    job_from,
)

_TIME_DIGITS = 8  # of an id: see bot.ids


def as_variations(request: Request, videos: int, *, fresh_seed: int) -> Request:
    """Return the request for this many videos at once; the first has the seed that was asked for, else `fresh_seed`.

    Raises:
        OptionRefused: a set has not this many videos, or the catalogue no longer has this request.
    """
    if not 1 <= videos <= VARIATIONS_MAX:  # Discord checks what is typed, but not what a client sends for it
        raise OptionRefused(f"Choose {VARIATIONS_MIN} to {VARIATIONS_MAX} variations at once.", option="variations")
    if videos == 1:
        return replace(request, videos=1)
    return replace(request, mode=with_seed(request.mode, fresh_seed), videos=videos)


def with_seed(mode: Mode, fresh_seed: int) -> Mode:
    """Return the request with the seed that was asked for, else this one as the mode takes it."""
    if asked_seed(mode.options().get("seed")) is not None:
        return mode
    return build(mode.id, {**mode.options(), "seed": fresh_seed % _seeds(mode.id)}, mode.attached())


def jobs_from(order: Order, *, now: float) -> tuple[Job, ...]:
    """Return the jobs that this order becomes: one, or a set of `request.videos`, each with the next seed.

    The same order always gives the same jobs, so a repeated acceptance adds none. The first has the order's id and
    files; the paths of the others' inputs are in their own folders, where they have yet to be copied.

    Raises:
        ValueError: the order has no card.
    """
    first, videos = job_from(order, now=now), order.request.videos
    if videos == 1:
        return (first,)
    return tuple(_variation(first, number, videos) for number in range(1, videos + 1))


def _variation(first: Job, number: int, videos: int) -> Job:
    job_id = variation_id(first.id, number)
    seed = asked_seed(first.options.get("seed")) or 0
    trigger = first.trigger if first.trigger is None or number == 1 else f"{first.trigger}:{number}"
    place = Variation(set_id=first.id, number=number, of=videos, message_id=first.address.message_id)
    return replace(
        first,
        id=job_id,
        options={**first.options, "seed": (seed + number - 1) % _seeds(first.mode)},
        inputs=tuple(replace(item, path=item.path.replace(first.id, job_id)) for item in first.inputs),
        trigger=trigger,
        variation=place,
    )


def variation_id(set_id: str, number: int) -> str:
    """Return the id of a set's job: as old as the first one's, and else as unlike it as two random ids.

    Ids are cut in nonces and in short ids, so they must differ at their beginnings and at their ends.
    """
    if number == 1:
        return set_id
    digest = hashlib.sha256(f"{set_id}:{number}".encode()).hexdigest()
    return f"{set_id[:_TIME_DIGITS]}{digest[: len(set_id) - _TIME_DIGITS]}"


def _seeds(mode_id: str) -> int:
    """Return how many seeds the mode takes."""
    most = by_id(mode_id).specs()["seed"].maximum
    return int(SEED_MAX if most is None else most) + 1
