"""fal's bill on both engines."""

from bot.cli.bill_days import bill_days, bill_lines
from bot.fal.wire.platform import BillingEvent
from bot.fal.wire.types import Handle
from bot.jobs import acceptance, bills, transactions
from bot.jobs.events import EndShown, LostSight, ReplyLost, Submitted, Uploaded
from bot.jobs.lost import lost_jobs
from bot.jobs.model import Failure
from bot.jobs.reconciling import close_silent, compare_bill
from bot.ledger.audit import verify
from bot.ledger.history import entries_page
from bot.ledger.member_records import entries_of_member
from bot.ledger.model import Shipped
from bot.ledger.movements import movements
from bot.storage.transaction import Store
from tests.support.job_samples import HANDLE, NOW, PLACES, a_job

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
DAY_S = 86400.0


async def test_a_bill_from_reading_to_the_report(store: Store) -> None:
    """Jobs' requests are noted, their bills compared once, the silent one is free, and all of it is reported."""
    billed, silent, lost = (a_job(id=letter * 32, created_at=NOW) for letter in "abc")
    for job, handle in ((billed, HANDLE), (silent, _other(HANDLE)), (lost, None)):
        await store.write(acceptance.accept(job, SHIPPED, PLACES))
        failure = Failure(kind="gone")
        ends = (Submitted(handle), LostSight(failure)) if handle else (ReplyLost(),)
        for event in (Uploaded(job.inputs), *ends, EndShown()):
            await store.write(transactions.advance(job.id, event, now=NOW))
    assert [job.id for job in await store.read(lost_jobs(since=NOW - 1))] == [lost.id]
    events = [
        BillingEvent(request_id=HANDLE.request_id, at=NOW + 0.75, endpoint="fal-ai/x", nano_usd=500_000_500),
        BillingEvent(request_id="stranger", at=NOW + 1, endpoint="fal-ai/x", nano_usd=7_000),
    ]
    for _ in range(2):
        await store.write(bills.store_events(events))
    await store.write(bills.note_read(since=NOW - DAY_S, until=NOW + 4 * DAY_S))
    assert await store.read(bills.are_known([HANDLE.request_id, "stranger"])) == {HANDLE.request_id}
    (request,) = await store.read(bills.open_bills())
    assert (request.job_id, request.guild_id) == (billed.id, billed.guild_id)
    assert await store.write(compare_bill(request, now=NOW + 9)) == "corrected"
    assert await store.read(bills.open_bills()) == ()
    assert await store.write(compare_bill(request, now=NOW + 9)) == "equal"
    (quiet,) = await store.read(bills.silent_requests(since=NOW - DAY_S, until=NOW + DAY_S))
    assert await store.write(close_silent(quiet, now=NOW + 9)) == "free"
    assert await store.read(bills.silent_requests(since=NOW - DAY_S, until=NOW + DAY_S)) == ()
    changed = [BillingEvent(request_id=HANDLE.request_id, at=NOW + 0.75, endpoint="fal-ai/x", nano_usd=400_000_000)]
    await store.write(bills.store_events(changed))
    assert await store.write(compare_bill(request, now=NOW + 10)) == "corrected"
    for page in (entries_page(billed.guild_id, limit=99), entries_of_member(billed.member_id, limit=99)):
        assert [one.spent_delta_microusd for one in await store.read(page) if one.kind == "correct"][:1] == [-100_000]
    assert (await store.read(movements(billed.guild_id, limit=1)))[0].entry.kind == "correct"
    assert await store.read(verify()) == []
    lines = bill_lines(await store.read(bill_days(now=NOW + 10)))
    assert any(f" {billed.guild_id} " in line and "$0.40" in line and "equal" in line for line in lines)
    assert any("no job of Wanda's" in line for line in lines)
    assert await store.read(bills.strangers()) == (1, 7_000)
    await store.write(bills.forget_bills(before=NOW + DAY_S))
    assert await store.read(bills.strangers()) == (0, 0)


def _other(handle: Handle) -> Handle:
    return Handle(
        request_id="other", status_url=handle.status_url, response_url=handle.response_url, cancel_url=handle.cancel_url
    )
