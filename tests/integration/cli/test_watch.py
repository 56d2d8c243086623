"""`python -m bot watch` reads beside a running bot and prints each change once."""

import json
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.cli.watch import watch
from bot.command_line import main
from bot.jobs import acceptance, events, transactions
from bot.ledger.model import Shipped
from bot.settings import StorageSettings
from bot.storage.transaction import Store
from tests.support.job_samples import NOW, PLACES, a_job

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


async def test_each_change_is_one_line(store: Store, store_settings: StorageSettings) -> None:
    """A job that is accepted and lost is seen with its state, its movements of money and the books' sums."""
    async with aclosing(watch(store_settings, every_s=0.01)) as lines:
        assert json.loads(await anext(lines))["jobs"] == []
        job = a_job()
        await store.write(acceptance.accept(job, SHIPPED, PLACES))
        first = json.loads(await anext(lines))
        assert [(one["state"], one["price"], one["hold"]) for one in first["jobs"]] == [("accepted", 750_000, "held")]
        assert first["jobs"][0]["member_id"] == str(job.member_id)
        assert {entry["kind"] for entry in first["entries"]} == {"hold"}
        assert (first["servers"][0]["held"], first["wrong"]) == (750_000, [])
        for event in (events.Uploaded(job.inputs), events.ReplyLost()):
            await store.write(transactions.advance(job.id, event, now=NOW))
        seen = json.loads(await anext(lines))
        while seen["jobs"][0]["state"] != "uncertain":
            seen = json.loads(await anext(lines))
        assert (seen["jobs"][0]["hold"], seen["servers"][0]["exposed"]) == ("exposed", 750_000)


def test_without_a_database_there_is_nothing_to_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It creates nothing, and says what would."""
    monkeypatch.chdir(tmp_path)  # the project's folder may have an operator's .env, with a database
    monkeypatch.setenv("WANDA_DATA_DIR", str(tmp_path / "data"))
    assert main(["watch"]) == 1
    assert "no database yet" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
