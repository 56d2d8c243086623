"""A film that several members pay for, on each engine."""

from dataclasses import replace

from bot.catalogue.registry import price_table
from bot.films.chipping_in import begin_film, start_film
from bot.films.drafts import DraftBounds, save_draft
from bot.films.ordering import film_from
from bot.films.quoting import quote
from bot.films.shot_jobs import first_shot
from bot.jobs import chip_ins, queries
from bot.jobs.chip_in_model import ChipInBounds, Rules
from bot.ledger import reservations
from bot.ledger.audit import totals, verify
from bot.ledger.model import Shipped
from bot.storage.transaction import Store
from tests.support.film_samples import a_draft
from tests.support.film_world import WHO
from tests.support.job_samples import ADDRESS, NOW, PLACES

BOUNDS = ChipInBounds(
    of_member_max=5, in_server_max=9, life_s=3600.0, shares_max=50, shares_of_member_max=9, least_microusd=1
)
SHIPPED = Shipped(member_daily_microusd=600_000, server_monthly_microusd=10**9)
RULES = Rules(bounds=BOUNDS, shipped=SHIPPED, places=PLACES, now=NOW)


async def test_shares_are_divided_over_the_shots(store: Store) -> None:
    """The first shot has its part of each share, the second is reserved with the rest, and the books are right."""
    prices, bounds = price_table(), DraftBounds(of_member_max=5, in_server_max=5)
    draft = await store.write(save_draft(a_draft("cut", "cut"), bounds, at=NOW), guild_id=1)
    film = film_from(draft, quote(draft, draft.shots, prices), WHO, ADDRESS, now=NOW, life_s=1000)
    starting = start_film(film, draft, 333_333, "d" * 32, RULES, prices=prices, of_member_max=5)
    await store.write(starting, guild_id=1)
    for member_id, amount in ((3, 599_999), (4, 66_668)):
        who = replace(WHO, member_id=member_id)
        await store.write(chip_ins.add(film.id, f"{member_id:032}", who, amount, RULES), guild_id=1)
    job = first_shot(film, prices, now=NOW)
    begun = await store.write(begin_film(film.id, job, RULES, life_s=1000, of_member_max=5), guild_id=1)
    assert begun is not None
    assert sum(one.amount_microusd for one in begun.shares) == 500_000
    (later,) = await store.read(reservations.reserved_for(film.id))
    assert later.amount_microusd == 500_000
    assert await store.read(verify()) == []
    assert await store.write(reservations.release(later.job_id, at=NOW, reason="stopped"), guild_id=1)
    assert await store.read(queries.get(job.id)) is not None
    assert await store.read(verify()) == []
    assert [one.jobs for one in await store.read(totals())] == [2]
