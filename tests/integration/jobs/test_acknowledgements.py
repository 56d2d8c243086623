"""Orders that were acknowledged and not answered are found by the next process, on both engines."""

from dataclasses import replace

from bot.jobs.acknowledgements import Acknowledgement, drop, left_over, note
from bot.storage.transaction import Store

OF_A_COMMAND = Acknowledgement(
    id="7", guild_id=1, channel_id=3, application_id=9, token="secret", shows="thinking", at=100.0
)
OF_A_REACTION = Acknowledgement(id="a" * 32, guild_id=1, channel_id=3, message_id=8, shows="placeholder", at=99.0)


async def test_an_acknowledgement_is_kept_until_its_order_is_answered(store: Store) -> None:
    """What was noted before is found in order, once; what was answered is not."""
    for one in (OF_A_COMMAND, OF_A_REACTION, OF_A_COMMAND, replace(OF_A_COMMAND, id="8", at=200.0)):
        await store.write(note(one))
    assert await store.read(left_over(before=150.0)) == (OF_A_REACTION, OF_A_COMMAND)
    for _ in range(2):
        await store.write(drop(OF_A_REACTION.id))
    assert await store.read(left_over(before=150.0)) == (OF_A_COMMAND,)
