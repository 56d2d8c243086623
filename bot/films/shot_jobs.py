"""The jobs that a film's shots become."""

from dataclasses import replace

from bot.catalogue.price import PriceTable, Quote
from bot.films.model import Film, Take
from bot.films.ordering import first_take
from bot.films.quoting import shot_mode
from bot.jobs.model import Job, Order, Part, Request, job_from
from bot.jobs.rule_query import rule_query
from bot.ledger.reservations import Wish
from bot.ledger.rule_values import WAIT_MAX_S

SPARE_S = 3600.0


def shot_job(film: Film, number: int, request: Request, prices: PriceTable, *, now: float) -> Job:
    """Return the job of a shot. It costs what was quoted when it was ordered.

    Only a shot that became another mode since, because all shots before it were left out, costs what that mode does.
    Where that is more than is reserved for it, it does not begin, and its member is asked.
    """
    take = film.take(number)
    quote = Quote(microusd=take.quote_microusd, formula=take.formula, prices_version=film.prices_version)
    if request.mode.id != shot_mode(film, take.shot).id:
        quote = request.quote(prices)
    order = Order(id=take.job_id, who=film.who, request=request, quote=quote, requested_at=now, address=film.address)
    message_id = film.address.message_id
    part = Part(film_id=film.id, shot_id=take.shot.id, number=number, of=len(film.takes), message_id=message_id)
    return replace(job_from(order, now=now), part=part)


def first_shot(film: Film, prices: PriceTable, *, now: float) -> Job:
    """Return the job that a film begins with, as far as it can be told before its files are there; raises Refusal."""
    number, take = first_take(film)
    return shot_job(film, number, Request(mode=shot_mode(film, take.shot)), prices, now=now)


def reserved_until(film: Film) -> float:
    """Return until when a film's shots are reserved: longer than its time, so that the film ends it."""
    return film.ends_at + WAIT_MAX_S + SPARE_S


def wish_of(film: Film, take: Take, *, expires_at: float) -> Wish:
    """Return what is to be reserved for a shot that is made later."""
    mode = shot_mode(film, take.shot)
    return Wish(
        job_id=take.job_id,
        group_id=film.id,
        purpose="shot",
        who=film.who,
        query=rule_query(mode),
        amount_microusd=take.quote_microusd,
        reason=f"{mode.id}: {take.formula}",
        expires_at=expires_at,
    )
