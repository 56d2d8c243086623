"""Films and drafts on both engines: ordered with their money, changed, found by shard, exported and erased."""

from dataclasses import replace

import pytest

from bot.catalogue.registry import price_table
from bot.errors import Busy, OptionRefused
from bot.films import acts, drafts, transactions
from bot.films.acts import Act
from bot.films.drafts import DraftBounds
from bot.films.member_export import films_for_export
from bot.films.ordering import film_from
from bot.films.quoting import quote
from bot.films.shot_jobs import wish_of
from bot.jobs import acceptance, erasure, events, queries, removals
from bot.jobs import transactions as jobs
from bot.jobs.model import Job, Part
from bot.jobs.notices import FilmNews
from bot.jobs.places import waiting_files
from bot.jobs.rule_query import who_of
from bot.ledger import reservations
from bot.ledger.audit import verify
from bot.ledger.model import Shipped
from bot.sharding import Shards
from bot.storage.transaction import Store
from tests.support.film_samples import FILM_ID, a_draft
from tests.support.job_samples import ADDRESS, NOW, PLACES, a_job

BOUNDS = DraftBounds(of_member_max=3, in_server_max=9)
SHIPPED = Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**10)
WHO = who_of(a_job())


async def ordered(store: Store) -> Job:
    """Order a film of three shots; returns the first one's job."""
    draft = await store.write(drafts.save_draft(a_draft("cut", "continue", "cut"), BOUNDS, at=NOW), guild_id=1)
    assert await store.read(waiting_files(1, 2)) == (2000, 2000)
    assert await store.read(waiting_files(1, 2, but=FILM_ID)) == (0, 0)
    film = film_from(draft, quote(draft, draft.shots, price_table()), WHO, ADDRESS, now=NOW, life_s=1000)
    first = film.take(1)
    part = Part(film_id=film.id, shot_id=first.shot.id, number=1, of=3, message_id=30)
    job = a_job(id=first.job_id, inputs=(), quote_microusd=first.quote_microusd, part=part)
    wishes = [wish_of(film, take, expires_at=NOW + 5000) for take in film.takes[1:]]
    accepting = acceptance.accept_all(
        [job],
        SHIPPED,
        PLACES,
        reserve=wishes,
        beside=lambda _: transactions.insert_film(film, draft, of_member_max=1),
    )
    await store.write(accepting, guild_id=1)
    return job


async def test_a_film_lives_on_both_engines(store: Store) -> None:
    """Its row, its money and its draft change together; what is left out is released in the same transaction."""
    job = await ordered(store)
    assert await store.read(drafts.draft_named(FILM_ID)) is None
    assert await store.read(transactions.open_films()) == ((NOW, FILM_ID),)
    shards = Shards(2, frozenset({0})), Shards(2, frozenset({1}))
    found = [await store.read(transactions.open_films(one)) for one in shards]
    assert sorted(map(len, found)) == [0, 1]
    assert await store.read(queries.known_ids([FILM_ID, job.id, "0" * 32])) == {FILM_ID, job.id}
    assert len(await store.read(reservations.reserved_for(FILM_ID))) == 2
    with pytest.raises(Busy):
        await store.write(erasure.forget_member(2, at=NOW + 10))
    before, after = await store.write(
        transactions.change_film(FILM_ID, 1, lambda film, found: acts.stopped(film, found, now=NOW + 1), now=NOW + 1),
        guild_id=1,
    )
    assert (before.state, after.state, after.cancelling) == ("making", "cancelled", (job.id,))
    assert await store.read(reservations.reserved_for(FILM_ID)) == ()
    with pytest.raises(OptionRefused):
        await store.write(
            transactions.change_film(FILM_ID, 1, lambda film, found: acts.stopped(film, found, now=NOW), now=NOW),
            guild_id=1,
        )
    assert await store.read(transactions.open_films()) == ((NOW, FILM_ID),)
    told: tuple[Act, ...] = (
        lambda film, _: acts.aborted(film),
        lambda film, _: acts.shown(film, None, updated_at=film.updated_at),
    )
    for act in told:
        await store.write(transactions.change_film(FILM_ID, 1, act, now=NOW + 2), guild_id=1)
    assert await store.read(transactions.open_films()) == ()
    assert await store.read(verify()) == []


async def test_a_films_files_and_rows_go(store: Store) -> None:
    """Old files are noted as gone; a member's films and drafts are exported without tokens, and erased with them."""
    job = await ordered(store)
    for event in (events.CancelAsked(), events.EndShown()):
        await store.write(jobs.advance(job.id, event, now=NOW + 1), guild_id=1)
    change = transactions.change_film(
        FILM_ID,
        1,
        lambda film, found: replace(
            change := acts.cancelled(film, found, why="nothing", now=NOW),
            film=replace(change.film, shown_at=change.film.updated_at),
        ),
        now=NOW,
        news=FilmNews(kind="film_ready", job_id=job.id),
    )
    await store.write(change, guild_id=1)
    await store.write(drafts.save_draft(a_draft("cut", id="e" * 32), BOUNDS, at=NOW), guild_id=1)
    assert await store.read(drafts.old_drafts(NOW + 1)) == (("e" * 32, 1),)
    assert await store.read(transactions.old_films(NOW + 1)) == ((FILM_ID, 1),)
    await store.write(transactions.note_files_gone(FILM_ID, 1, at=NOW + 9), guild_id=1)
    assert await store.read(transactions.old_films(NOW + 1)) == ()
    exported = await store.read(films_for_export(2, limit=10))
    assert [one["id"] for one in exported] == [FILM_ID, "e" * 32]
    assert "token" not in exported[0]["address"]
    forgotten = await store.write(erasure.forget_member(2, at=NOW + 10))
    assert set(forgotten) == {job.id, FILM_ID, "e" * 32}
    assert await store.read(films_for_export(2, limit=10)) == []
    assert set(await store.read(removals.noted_removals(limit=10))) == {job.id, FILM_ID, "e" * 32}
