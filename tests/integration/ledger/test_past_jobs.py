"""What a rehearsal reads, on both engines."""

from typing import Any

from bot.jobs.acceptance import accept
from bot.ledger import holds
from bot.ledger.grants import add_grant
from bot.ledger.model import Grant, RuleQuery, Shipped, Who
from bot.ledger.past_jobs import grants_to, kept_windows, opening_of, past_jobs
from bot.storage.transaction import Store
from tests.support.job_samples import NOW, PLACES, a_job

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


async def test_what_was_accepted_is_read_back(store: Store) -> None:
    """Each job has its member, roles, channel, mode, resolution and price, and how its hold ended for whom."""
    for number, resolution in enumerate(("1080p", "720p", "720p")):
        options = {"prompt": "a lake", "resolution": resolution, "duration": 5}
        job = a_job(
            id=f"{number:032}",
            options=options,
            similar=f"wan27-image:{resolution}:5",
            created_at=NOW + number,
            role_ids=(7, 8),
            rules_channel_id=20,
        )
        await store.write(accept(job, SHIPPED, PLACES))
    said: Any = {"at": NOW + 50, "actor": "fal", "reason": "test"}
    await store.write(holds.settle(f"{0:032}", 500_000, **said))
    await store.write(holds.settle(f"{1:032}", 500_000, payers="server", **said))
    jobs = await store.read(past_jobs(1, since=NOW, limit=10))
    assert [job.query for job in jobs] == [
        RuleQuery(mode="wan27-image", resolution=one) for one in ("1080p", "720p", "720p")
    ]
    assert {job.who for job in jobs} == {Who(guild_id=1, channel_id=20, member_id=2, role_ids=(7, 8))}
    assert [(job.server_ended_at, job.server_spent_microusd) for job in jobs] == [
        (NOW + 50, 500_000),
        (NOW + 50, 500_000),
        (None, 0),
    ]
    assert [job.member_spent_microusd for job in jobs] == [500_000, 0, 0]
    assert [job.cost_microusd for job in jobs] == [500_000, 500_000, 750_000]
    assert [job.job_id for job in await store.read(past_jobs(1, since=NOW + 1, limit=1))] == [f"{2:032}"]
    assert await store.read(past_jobs(2, since=NOW, limit=10)) == ()
    opening = await store.read(opening_of({("server:1", 0.0), ("member:1:2", 0.0), ("grant:x", 0.0)}, before=NOW + 2))
    assert opening == {("server:1", 0.0): 1_000_000, ("member:1:2", 0.0): 500_000}


async def test_grants_and_kept_windows_are_read(store: Store) -> None:
    """Grants come in the order in which they are used; a server whose timezone never changed keeps no windows."""
    for name, expires_at in (("late", None), ("soon", NOW + 60)):
        await store.write(
            add_grant(
                Grant(
                    id=name,
                    guild_id=1,
                    member_id=2,
                    amount_microusd=100,
                    expires_at=expires_at,
                    reason="",
                    actor_id=3,
                    at=NOW,
                )
            )
        )
    grants = await store.read(grants_to(1, {2, 5}))
    assert {member_id: [grant.id for grant in of] for member_id, of in grants.items()} == {2: ["soon", "late"]}
    assert await store.read(kept_windows(1)) == ()
