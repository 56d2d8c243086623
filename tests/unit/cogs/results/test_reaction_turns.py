"""How many reactions are handled at once."""

from cogs.results.reactions import BUSY_IN_SERVER_MAX, BUSY_MAX, BUSY_OF_MEMBER_MAX, ReactionKey, has_turn


def _busy(count: int, *, guild_id: int, members: int) -> list[ReactionKey]:
    return [ReactionKey(number, 100 * guild_id + number % members, "🔁", guild_id) for number in range(count)]


def test_no_member_and_no_server_takes_every_turn() -> None:
    """A member or server that has as many as it may has no turn, and others have; when all are taken, nobody has."""
    mine = _busy(BUSY_OF_MEMBER_MAX, guild_id=1, members=1)
    assert not has_turn(ReactionKey(9999, 100, "🔁", 1), mine)
    assert has_turn(ReactionKey(9999, 101, "🔁", 1), mine)
    servers = _busy(BUSY_IN_SERVER_MAX, guild_id=1, members=50)
    assert not has_turn(ReactionKey(9999, 199, "🔁", 1), servers)
    assert has_turn(ReactionKey(9999, 299, "🔁", 2), servers)
    every = [key for guild_id in range(2, 9) for key in _busy(BUSY_IN_SERVER_MAX, guild_id=guild_id, members=50)]
    assert not has_turn(ReactionKey(9999, 100, "🔁", 1), every[:BUSY_MAX])
