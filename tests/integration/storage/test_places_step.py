"""The step that counts waiting files and moves members' prices out of the rules, on a database with a past."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.jobs.places import waiting_files
from bot.jobs.rows import body_of
from bot.ledger.model import Shipped, Who
from bot.ledger.rules import rules_of, terms_of
from bot.settings import StorageSettings
from bot.storage.migrate import migrate
from bot.storage.transaction import One, Transaction
from tests.support.job_samples import PICTURE, a_job
from tests.support.old_schema import engine_of, open_at_step

_JOB = """
INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version,
body) VALUES ($1, 1, 2, 3, 2, 'wan27-image', $2, 0, '', 1, 1, $3)"""
_RULE = "INSERT INTO rules (guild_id, subject, name, value, reason, actor_id, at) VALUES (1, $1, $2, $3, '', 2, 5)"
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


def _past() -> Transaction[None]:
    clips = tuple(
        replace(PICTURE, option=f"video{n}", file_name='x"size_bytes":9', size_bytes=9_000_000) for n in (1, 2, 3)
    )
    for letter, state in (("a", "waiting"), ("b", "waiting"), ("c", "accepted")):
        yield One(_JOB, (letter * 32, state, body_of(a_job(id=letter * 32, state=state, inputs=clips))))
    for letter, body in (("d", "no job at all"), ("e", '{"inputs": "x"}'), ("f", '{"inputs": ["x"]}'), ("0", "{}")):
        yield One(_JOB, (letter * 32, "waiting", body))
    for subject, name, value in (
        ("member:2", "ask_above", 300_000),
        ("member:2", "blocked", "x"),
        ("server", "at_once", 3),
    ):
        yield One(_RULE, (subject, name, json.dumps(value)))


async def test_what_waits_and_who_is_asked(store_settings: StorageSettings, tmp_path: Path) -> None:
    """Waiting jobs have the bytes of their files, prices are no rules any more, and a broken row stops nothing."""
    store = await open_at_step(9, store_settings, tmp_path)
    await store.write(_past())
    await migrate(store, engine_of(store_settings), at=2.0)
    try:
        assert await store.read(waiting_files(1, 2)) == (54_000_000, 54_000_000)
        assert [rule.name for rule in await store.read(rules_of(1))] == ["blocked", "at_once"]
        terms: Any = await store.read(terms_of(Who(guild_id=1, channel_id=2, member_id=2), at=9.0, shipped=SHIPPED))
        assert terms.confirm_above_microusd.value == 300_000
    finally:
        await store.close()
