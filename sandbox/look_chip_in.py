"""What `make look` shows of a video that several members pay for: its cards, and what a press asks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from bot.films.model import film_body
from bot.jobs.chip_in_model import ChipIn
from bot.jobs.model import Job
from bot.ledger.model import Share
from bot.texts.card import Card
from bot.texts.chip_in import add_question, chip_in_card
from sandbox.look_admin import NOW
from sandbox.look_film import a_film

MakeJob: TypeAlias = Callable[[], Job]
SHARES = (Share("a" * 32, 50, 300_000), Share("b" * 32, 51, 200_000), Share("c" * 32, 50, 50_000))


def a_chip_in(job: Job) -> ChipIn:
    """Return one of which most is there."""
    return ChipIn(
        id=job.id, guild_id=job.guild_id, address=job.address, expires_at=NOW + 80_000, job=job, shares=SHARES
    )


def of_film(job: Job) -> ChipIn:
    """Return one for a film."""
    film = a_film(job)
    price = sum(take.quote_microusd for take in film.takes)
    return replace(a_chip_in(job), id=film.id, film=film_body(film), film_microusd=price)


def cards(a_job: MakeJob) -> Mapping[str, Callable[[], Card]]:
    """Return the card of each state."""
    job = a_job()
    rest = Share("d" * 32, 52, job.quote_microusd - 550_000)
    full = replace(a_chip_in(job), state="full", obstacle="place", shares=(*SHARES, rest))
    return {
        "chip-in": lambda: chip_in_card(a_chip_in(job)),
        "chip-in-full": lambda: chip_in_card(full),
        "chip-in-film": lambda: chip_in_card(of_film(job)),
        "chip-in-film-over": lambda: chip_in_card(replace(of_film(job), state="over", over="late")),
        "chip-in-over": lambda: chip_in_card(replace(a_chip_in(job), state="over", over="late")),
    }


def question(a_job: MakeJob) -> Card:
    """Return what is asked before a press that adds much."""
    return add_question(a_chip_in(a_job()), 200_000, above_microusd=100_000)
