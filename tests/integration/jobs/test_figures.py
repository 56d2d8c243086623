"""What /metrics tells of jobs and money, on both engines."""

from collections import Counter
from typing import Any

from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, transactions
from bot.jobs.events import EndShown, Event, LostSight, Made, Submitted, Uploaded
from bot.jobs.figures import Figures, figures
from bot.jobs.model import Failure, Job
from bot.ledger.model import Shipped
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Store
from tests.support.job_samples import HANDLE, NOW, PLACES, RESULT, a_job

RICH = Shipped(member_daily_microusd=50_000_000, server_monthly_microusd=50_000_000)
ON_SHARD = [shard << 22 for shard in (4, 1, 2, 3)]  # a server on each of four shards


async def _accept(store: Store, number: int, **changes: Any) -> Job:
    job = a_job(id=f"{number:032x}", guild_id=ON_SHARD[number % 4], **changes)
    return (await store.write(acceptance.accept(job, RICH, PLACES), guild_id=job.guild_id)).job


async def _advance(store: Store, job: Job, *events: Event) -> None:
    for event in events:
        await store.write(transactions.advance(job.id, event, now=NOW), guild_id=job.guild_id)


async def test_the_shards_add_up(store: Store) -> None:
    """Each job, hold and exposure is in the figures of one shard, so sums over processes are the whole."""
    jobs = [await _accept(store, number) for number in range(8)]
    price = jobs[0].quote_microusd
    to_fal = (Uploaded(jobs[0].inputs), Submitted(HANDLE))
    await _advance(store, jobs[1], *to_fal)
    await _advance(store, jobs[2], *to_fal, FalStatus("completed"), Made(RESULT))
    await _advance(store, jobs[3], *to_fal, LostSight(Failure(kind="gone")))
    whole = await store.read(figures(EVERY_SHARD))
    mode = jobs[0].mode
    assert whole == Figures(
        {("accepted", mode): 5, ("queued", mode): 1, ("delivering", mode): 1, ("uncertain", mode): 1},
        films={},
        held_microusd=6 * price,
        exposed_microusd=price,
        exposures=1,
    )
    parts = [await store.read(figures(Shards(4, frozenset({shard})))) for shard in range(4)]
    counted: Counter[tuple[str, str]] = Counter()
    for part in parts:
        counted.update(part.jobs)
    assert counted == whole.jobs
    assert sum(part.held_microusd for part in parts) == whole.held_microusd
    assert [part.exposures for part in parts] == [0, 0, 0, 1]
    assert await store.read(figures(Shards(4, frozenset()))) == Figures({}, {}, 0, 0, 0)


async def test_an_exposure_stays_until_it_is_closed(store: Store) -> None:
    """An uncertain job whose card says so is unfinished no more; what it may cost stays exposed."""
    job = await _accept(store, 3)
    await _advance(
        store,
        job,
        Uploaded(job.inputs),
        Submitted(HANDLE),
        LostSight(Failure(kind="gone")),
        EndShown(),
    )
    assert await store.read(figures(EVERY_SHARD)) == Figures({}, {}, 0, job.quote_microusd, 1)
