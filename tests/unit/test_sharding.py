import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sharding import EVERY_SHARD, WHOLE, Shards, in_words, shard_of, shard_plan, to_claim

_guild_ids = st.integers(min_value=0, max_value=2**63 - 1)
_counts = st.integers(min_value=1, max_value=64)


@pytest.mark.parametrize(("guild_id", "shard"), [(197038439483310086, 2), (0, 0), (None, 0), (41771983423143937, 6)])
def test_a_server_is_on_the_shard_that_discord_computes(guild_id: int | None, shard: int) -> None:
    """The formula of https://discord.com/developers/docs/events/gateway#sharding-sharding-formula; DMs are on 0."""
    assert shard_of(guild_id, 16) == shard


@given(_guild_ids, _counts)
def test_every_server_has_exactly_one_owner(guild_id: int, count: int) -> None:
    """However shards are divided, each server belongs to one part."""
    parts = [Shards(count, frozenset({one})) for one in range(count)]
    assert sum(part.owns(guild_id) for part in parts) == 1
    assert Shards(count, frozenset(range(count))).owns(guild_id)
    assert not Shards(count, frozenset()).owns(guild_id)


@given(_guild_ids, _counts, st.data())
def test_the_database_finds_the_servers_that_a_process_owns(guild_id: int, count: int, data: st.DataObject) -> None:
    """The condition in SQL says the same as `owns`."""
    shards = Shards(count, data.draw(st.frozensets(st.integers(0, count - 1))))
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE jobs (guild_id BIGINT)")
        connection.execute("INSERT INTO jobs VALUES (?)", (guild_id,))
        found = connection.execute(f"SELECT COUNT(*) FROM jobs WHERE {shards.where()}").fetchone()[0]  # noqa: S608 - the condition under test
    connection.close()
    assert bool(found) == shards.owns(guild_id)


def test_one_process_owns_everything() -> None:
    """Without shards a condition keeps nothing out."""
    assert EVERY_SHARD.owns(197038439483310086)
    assert EVERY_SHARD.where() == "1 = 1"


def test_the_setting_names_any_shards_or_these() -> None:
    """`all` leaves the number to Discord."""
    assert shard_plan("all") == WHOLE
    assert shard_plan("auto/3").wanted == {0, 1, 2}
    assert shard_plan("0-3/16").wanted == {0, 1, 2, 3}
    assert shard_plan("5/16").wanted == {5}
    assert shard_plan("5/16").count == 16


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "auto/16"),
        ("every", "auto/16"),
        ("auto", "auto/16"),
        ("auto/0", "between 1 and"),
        ("auto/99999", "between 1 and"),
        ("3-1/16", "smaller one first"),
        ("0-16/16", "0 to 15"),
        ("-1/16", "auto/16"),
        ("0-3/16 ", "auto/16"),
    ],
)
def test_another_setting_is_refused_with_what_it_may_be(text: str, says: str) -> None:
    """A typing error must not make a process that serves nobody."""
    with pytest.raises(ValueError, match=says):
        shard_plan(text)


def test_a_process_takes_what_is_free_up_to_its_bound() -> None:
    """What others hold stays theirs; 0 means no bound."""
    plan = shard_plan("auto/8")
    assert to_claim(plan, held=(), taken=(), most=0) == (0, 1, 2, 3, 4, 5, 6, 7)
    assert to_claim(plan, held=(), taken=(), most=4) == (0, 1, 2, 3)
    assert to_claim(plan, held=(), taken=(0, 1, 2, 3), most=4) == (4, 5, 6, 7)
    assert to_claim(plan, held=(4, 5), taken=(2, 3, 4, 5), most=4) == (0, 1)
    assert to_claim(plan, held=(0, 1, 2, 3), taken=(0, 1, 2, 3), most=4) == ()
    assert to_claim(shard_plan("2-3/8"), held=(), taken=(2,), most=0) == (3,)


@given(st.integers(2, 40), st.integers(2, 6), st.data())
def test_processes_with_a_fair_bound_divide_all_shards(count: int, processes: int, data: st.DataObject) -> None:
    """With ceil(count / processes) each, whoever asks first, every shard has one owner."""
    plan, most = shard_plan(f"auto/{count}"), -(-count // processes)
    held: list[set[int]] = [set() for _ in range(processes)]
    for one in data.draw(st.permutations(range(processes))):
        held[one].update(to_claim(plan, held=held[one], taken={shard for own in held for shard in own}, most=most))
    assert sorted(shard for own in held for shard in own) == list(range(count))


def test_shards_are_named_in_short() -> None:
    """A log line names sixteen shards in a few characters."""
    assert in_words({0, 1, 2, 3, 7, 9, 10}) == "0-3, 7, 9-10"
    assert in_words(()) == "none"
    assert str(Shards(16, frozenset({0, 1}))) == "0-1 of 16"
