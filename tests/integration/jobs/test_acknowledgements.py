"""Orders that were acknowledged and not answered are found by the next process, on both engines."""

from bot.jobs.acknowledgements import Acknowledgement, drop, left_over, note
from bot.sharding import Shards
from bot.storage.transaction import Store

OF_A_COMMAND = Acknowledgement(
    id="7", guild_id=1, channel_id=3, application_id=9, token="secret", shows="thinking", at=100.0
)
OF_A_REACTION = Acknowledgement(id="a" * 32, guild_id=1, channel_id=3, message_id=8, shows="placeholder", at=99.0)


async def test_an_acknowledgement_is_kept_until_its_order_is_answered(store: Store) -> None:
    """What was noted is found in order, once, by who has its shard; what was answered is not."""
    for one in (OF_A_COMMAND, OF_A_REACTION, OF_A_COMMAND):
        await store.write(note(one))
    assert await store.read(left_over()) == (OF_A_REACTION, OF_A_COMMAND)
    assert await store.read(left_over(Shards(2, frozenset({1})))) == ()
    for _ in range(2):
        await store.write(drop(OF_A_REACTION.id))
    assert await store.read(left_over()) == (OF_A_COMMAND,)
