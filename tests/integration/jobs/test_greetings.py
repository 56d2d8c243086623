"""Servers to greet, on both engines."""

from bot.jobs.greetings import LIFE_S, TRIES_MAX, begin_greeting, due_greetings, end_greeting, try_greeting
from bot.storage.transaction import Store
from tests.support.job_samples import NOW


async def test_a_server_is_greeted_once(store: Store) -> None:
    """A server is due until it was greeted, or tried too often, or for too long; joined again it is not due again."""
    assert await store.write(begin_greeting(7, at=NOW))
    assert await store.write(begin_greeting(8, at=NOW + 1))
    assert not await store.write(begin_greeting(7, at=NOW + 2))
    assert await store.read(due_greetings(now=NOW)) == {7: 0, 8: 0}
    await store.write(try_greeting(7))
    assert await store.read(due_greetings(now=NOW)) == {7: 1, 8: 0}
    await store.write(end_greeting(7))
    assert not await store.write(begin_greeting(7, at=NOW + 3))
    assert await store.read(due_greetings(now=NOW)) == {8: 0}
    assert await store.read(due_greetings(now=NOW + 2 * LIFE_S)) == {}
    for _ in range(TRIES_MAX):
        await store.write(try_greeting(8))
    assert await store.read(due_greetings(now=NOW)) == {}
