"""Closing an uncertain job settles its hold, so the command does not guess the amount."""

from pathlib import Path

import pytest

from bot.cli.ledger import close_exposure, ledger_lines, look
from bot.command_line import USAGE_ERROR, main
from bot.errors import OptionRefused
from bot.jobs import acceptance, erasure, events, transactions
from bot.jobs.lifetime import end_unreadable
from bot.jobs.model import Job
from bot.jobs.short_id import short_id
from bot.ledger.model import Shipped
from bot.settings import StorageSettings
from bot.storage.transaction import One, Store, Transaction
from tests.support.job_samples import NOW, PLACES, a_job

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


@pytest.mark.parametrize("words", [["--close", "a" * 32], ["--at", "0.75"]])
def test_a_job_is_not_closed_at_a_guess(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an amount the job is not closed: a missing amount does not mean that fal charged nothing."""
    monkeypatch.setenv("WANDA_DATA_DIR", str(tmp_path / "data"))
    assert main(["ledger", *words]) == USAGE_ERROR
    assert "together" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


async def _uncertain(store: Store, job: Job) -> None:
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    for event in (events.Uploaded(job.inputs), events.ReplyLost(), events.EndShown()):
        await store.write(transactions.advance(job.id, event, now=NOW))


async def test_what_a_deleted_job_exposed_can_be_closed(store: Store, store_settings: StorageSettings) -> None:
    """A member who deletes their data takes no exposure along: it is listed, and closed by its number."""
    job = a_job(id="1f" * 16)
    await _uncertain(store, job)
    await store.write(erasure.forget_member(job.member_id, at=NOW))
    lines = "\n".join(ledger_lines(await look(store_settings)))
    assert f"uncertain  {job.id}  $0.75" in lines
    said = await close_exposure(store_settings, short_id(job.id), 500_000, at=NOW)
    assert "closed at $0.50" in said
    books = await look(store_settings)
    assert books.wrong == []
    assert books.exposures == ()
    assert [one.spent_microusd for one in books.servers] == [500_000]
    assert "closed before" in await close_exposure(store_settings, job.id, 0, at=NOW)


async def test_an_uncertain_job_whose_row_cannot_be_read_is_closed(
    store: Store, store_settings: StorageSettings
) -> None:
    """The money of a job that another version wrote does not stay held for ever."""
    job = a_job()
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    await store.write(transactions.advance(job.id, events.Uploaded(job.inputs), now=NOW))

    def spoil_and_sweep() -> Transaction[None]:
        yield One("UPDATE jobs SET body = $2 WHERE id = $1", (job.id, "{}"))
        yield from end_unreadable(job.id, now=NOW)

    await store.write(spoil_and_sweep())
    assert "closed at $0.50" in await close_exposure(store_settings, job.id, 500_000, at=NOW)
    books = await look(store_settings)
    assert (books.wrong, books.exposures) == ([], ())


async def test_nothing_is_closed_by_a_number_that_two_jobs_have(store: Store, store_settings: StorageSettings) -> None:
    """The refusal names both; neither is touched."""
    jobs = [a_job(id=f"0123abcd{number:024x}") for number in (1, 2)]
    for job in jobs:
        await _uncertain(store, job)
    with pytest.raises(OptionRefused) as refused:
        await close_exposure(store_settings, "0123abcd", 1, at=NOW)
    assert all(job.id in str(refused.value) for job in jobs)
    assert len((await look(store_settings)).exposures) == 2


async def test_a_job_that_runs_or_that_nobody_knows_is_not_closed(
    store: Store, store_settings: StorageSettings
) -> None:
    """Only what is exposed has something to close, also when a job's row is gone; anything else is a wrong argument."""
    job = a_job()
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    with pytest.raises(OptionRefused, match="is accepted"):
        await close_exposure(store_settings, job.id, 1, at=NOW)
    await store.write(transactions.advance(job.id, events.CancelAsked(), now=NOW))
    await store.write(transactions.advance(job.id, events.EndShown(), now=NOW))
    await store.write(erasure.forget_member(job.member_id, at=NOW))
    with pytest.raises(OptionRefused, match="has nothing open"):
        await close_exposure(store_settings, job.id, 1, at=NOW)
    with pytest.raises(OptionRefused, match="No job in the books has the number f"):
        await close_exposure(store_settings, "f" * 32, 1, at=NOW)


async def test_every_listed_id_can_be_closed(store: Store, store_settings: StorageSettings) -> None:
    """Each uncertain job stands on a line of its own, with the id that `--close` takes and the way to close it."""
    jobs = [a_job(id=f"{number:032x}") for number in (1, 2, 3)]
    for job in jobs:
        await _uncertain(store, job)
    lines = ledger_lines(await look(store_settings))
    assert any(line.startswith("3 jobs uncertain. ") and "--close JOB --at AMOUNT" in line for line in lines)
    listed = [line.split()[1] for line in lines if line.startswith("uncertain  ")]
    assert sorted(listed) == [job.id for job in jobs]
    for named in listed:
        assert "is closed at $0.00" in await close_exposure(store_settings, named, 0, at=NOW)
    assert not any("uncertain" in line for line in ledger_lines(await look(store_settings))[1:])
