"""The step to schema 7, which bounds every amount that is stored, on a database with larger ones, on both engines."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StorageError
from bot.ledger import differences, holds, rules
from bot.ledger.audit import verify
from bot.ledger.model import Difference, RuleQuery, Shipped, Who
from bot.ledger.pseudonyms import unname
from bot.money import AMOUNT_MAX_MICROUSD
from bot.settings import StorageSettings
from bot.storage.migrate import migrate
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.old_schema import engine_of, open_at_step

AT = 1_795_176_000.0
GUILD, MEMBER = 7, 42
HUGE = 10**18  # what one hostile reply of fal's settled before there was a bound
QUOTE = 200_000
WHO = Who(guild_id=GUILD, channel_id=9, member_id=MEMBER)
ABOVE = AMOUNT_MAX_MICROUSD + 1
_ENTRY = (
    "id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at, at, actor, reason",
    "$1, 7, $2, $3, $4, $5, $6, 1795176000, 1795176000, 'wanda', ''",
)
_DRAW = (
    "job_id, position, guild_id, member_id, scope, side, amount_microusd, state, settled_microusd, counted_at, ended_at"
)
_RULE = "guild_id, subject, name, value, reason, actor_id, at"
_GRANT = "id, guild_id, member_id, amount_microusd, reason, actor_id, at"
_WARNING = "scope, starts_at, ends_at, threshold, guild_id, at, used_microusd, cap_microusd, posted"


def _run(sql: str, *args: Any) -> Transaction[None]:
    yield One(sql, args)


def _all(sql: str) -> Transaction[list[dict[str, Any]]]:
    return [dict(row) for row in (yield Many(sql))]


def _past() -> Transaction[None]:
    """Write a job that was settled far above its hold, and one that holds far too much, as the version before did."""
    for job_id, held, settled in (("dear", QUOTE, HUGE), ("open", HUGE, None)):
        for position, scope, side in ((0, "server:7", "server"), (1, "member:7:42", "member")):
            draw = (job_id, position, 7, 42, scope, side, held, "settled" if settled else "held", settled)
            yield One(
                f"INSERT INTO draws ({_DRAW}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",  # noqa: S608
                (*draw, AT, AT + 1 if settled else None),
            )
            entries = [("hold", held, 0)] + ([("settle", -held, settled)] if settled else [])
            for kind, delta, spent in entries:
                yield One(
                    f"INSERT INTO entries ({_ENTRY[0]}) VALUES ({_ENTRY[1]})",  # noqa: S608
                    (f"{job_id}:{kind}:{scope}", job_id, scope, kind, delta, spent),
                )
    for scope in ("server:7", "member:7:42"):
        yield One("INSERT INTO budgets VALUES ($1, $2, $3, $4, $5)", (scope, AT + 9, AT - 9, HUGE, HUGE))
    yield One(f"INSERT INTO grants ({_GRANT}) VALUES ('old', 7, 42, {HUGE}, '', 1, 1)")  # noqa: S608


@pytest.fixture
async def migrated(store_settings: StorageSettings, tmp_path: Path) -> AsyncGenerator[Store]:
    """A database that the version before left, brought up to date."""
    opened = await open_at_step(6, store_settings, tmp_path)
    await opened.write(_past())
    await migrate(opened, engine_of(store_settings), at=2.0)
    yield opened
    await opened.close()


async def test_what_was_spent_is_kept_and_what_is_open_can_end(migrated: Store) -> None:
    """The step clamps nothing: an oversized hold ends, a member is unnamed, and the sums still agree."""
    draws = await migrated.read(_all("SELECT job_id, amount_microusd, settled_microusd FROM draws ORDER BY 1, scope"))
    assert [tuple(row.values()) for row in draws] == 2 * [("dear", QUOTE, HUGE)] + 2 * [("open", HUGE, None)]
    assert await migrated.read(verify()) == []
    await migrated.write(holds.settle("open", HUGE, at=AT + 2, actor="wanda", reason=""))
    await migrated.write(unname(GUILD, MEMBER))
    assert await migrated.read(verify()) == []
    spent = await migrated.read(_all("SELECT held_microusd, spent_microusd FROM budgets"))
    assert [tuple(row.values()) for row in spent] == 2 * [(0, HUGE + AMOUNT_MAX_MICROUSD)]


async def test_what_is_billed_above_a_hold_is_a_row(migrated: Store) -> None:
    """A new job is settled at its hold, and the difference is recorded once."""
    shipped = Shipped(member_daily_microusd=QUOTE, server_monthly_microusd=QUOTE)
    holding = holds.hold(
        job_id="new",
        amount_microusd=QUOTE,
        who=Who(guild_id=8, channel_id=9, member_id=MEMBER),
        query=RuleQuery(mode="m"),
        at=AT,
        shipped=shipped,
        reason="",
    )
    await migrated.write(holding)
    ending = await migrated.write(holds.settle("new", HUGE, at=AT + 2, actor="wanda", reason="", units="250"))
    assert (ending.member_microusd, ending.server_microusd) == (QUOTE, QUOTE)
    (one,) = await migrated.read(differences.newest(5))
    assert one == Difference("new", 8, QUOTE, AMOUNT_MAX_MICROUSD, "250", AT + 2)
    assert await migrated.read(differences.total()) == (1, AMOUNT_MAX_MICROUSD - QUOTE)
    assert await migrated.read(verify()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        f"INSERT INTO draws ({_DRAW}) VALUES ('x', 0, 7, 42, 'server:7', 'server', {ABOVE}, 'held', NULL, 1, NULL)",  # noqa: S608
        f"INSERT INTO draws ({_DRAW}) VALUES ('x', 0, 7, 42, 'server:7', 'server', 5, 'settled', 6, 1, 1)",  # noqa: S608
        "UPDATE draws SET state = 'settled', ended_at = 1, settled_microusd = 1000000000001 WHERE job_id = 'open'",
        f"UPDATE draws SET settled_microusd = {HUGE + 1} WHERE job_id = 'dear'",  # noqa: S608
        f"UPDATE draws SET amount_microusd = {ABOVE} WHERE job_id = 'dear'",  # noqa: S608
        f"INSERT INTO entries ({_ENTRY[0]}) VALUES ('x', 7, 'x', 'server:7', 'hold', {ABOVE}, 0, 1, 1, '', '')",  # noqa: S608
        f"INSERT INTO entries ({_ENTRY[0]}) VALUES ('x', 7, 'x', 'server:7', 'settle', 0, {ABOVE}, 1, 1, '', '')",  # noqa: S608
        f"INSERT INTO entries ({_ENTRY[0]}) VALUES ('x', 7, 'x', 'server:7', 'settle', 0, -1, 1, 1, '', '')",  # noqa: S608
        "UPDATE budgets SET held_microusd = held_microusd + 1",
        f"INSERT INTO grants ({_GRANT}) VALUES ('x', 7, 42, {ABOVE}, '', 1, 1)",  # noqa: S608
        f"UPDATE grants SET amount_microusd = {ABOVE}",  # noqa: S608
        f"INSERT INTO warnings ({_WARNING}) VALUES ('server:7', 1, 2, 50, 7, 1, 1, {ABOVE}, 0)",  # noqa: S608
        f"INSERT INTO warnings ({_WARNING}) VALUES ('server:7', 1, 2, 50, 7, 1, -1, 1, 0)",  # noqa: S608
        "INSERT INTO differences VALUES ('x', 7, 5, 5, '', 1)",
        f"INSERT INTO differences VALUES ('x', 7, 5, {ABOVE}, '', 1)",  # noqa: S608
        *(
            f"INSERT INTO rules ({_RULE}) VALUES (7, 'server', '{name}', '{value}', '', 1, 1)"  # noqa: S608
            for name in ("budget:day", "allowance:ever", "ceiling", "ask_above")
            for value in (ABOVE, -1, "1e300", "5.5", '"5"', "null")
        ),
        f"""INSERT INTO rules ({_RULE}) VALUES (7, 'member:1', 'raise', '{{"microusd": {ABOVE}}}', '', 1, 1)""",  # noqa: S608
        f"""INSERT INTO rules ({_RULE}) VALUES (7, 'server', 'approval', '{{"above_microusd": -1}}', '', 1, 1)""",  # noqa: S608
    ],
)
async def test_what_is_out_of_bounds_is_refused(migrated: Store, wrong: str) -> None:
    """No amount below zero or above $1,000,000 is stored, no draw spends more than it held, and no sum overflows."""
    with pytest.raises(StorageError):
        await migrated.write(_run(wrong))


@pytest.mark.parametrize(
    ("subject", "name", "value"),
    [
        ("server", "budget:month", AMOUNT_MAX_MICROUSD),
        ("member:1", "raise", {"microusd": AMOUNT_MAX_MICROUSD}),
        ("server", "approval", {"above_microusd": 0, "role_id": None, "wait_s": 3600.0}),
        ("server", "timezone", "UTC"),
        ("server", "modes", ["a"]),
    ],
)
async def test_rules_within_the_bounds_are_stored(migrated: Store, subject: str, name: str, value: Any) -> None:
    """The largest and the smallest amount that a rule can have are taken, and so are rules without an amount."""
    for again in range(2):
        change = rules.set_rule(GUILD, subject, name, value, actor_id=9, reason="", at=AT + again)
        assert json.dumps((await migrated.write(change))[1]) == json.dumps(value)
