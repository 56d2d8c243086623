"""Opens all connections of a pool before they are needed, and has each run what it will run most."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

from bot.storage.postgres_lending import WRITE, Lending
from bot.storage.postgres_session import DATABASE_ERRORS, in_words
from bot.storage.transaction import Transaction
from bot.tasks import all_of

log = logging.getLogger(__name__)
WITHIN_S = 2.0  # a transaction that comes meanwhile waits for a connection
_Connection: TypeAlias = Any  # asyncpg has no type annotations


async def warm(
    lending: Lending,
    run: Callable[[_Connection, Transaction[None]], Any],
    warming: Callable[[int], Transaction[None]],
    *,
    connections: int,
) -> None:
    """Have this many connections run `warming`, each with a number of its own, and roll it back.

    Never raises for the database's sake: what is not warm is only slower.
    """
    try:
        async with asyncio.timeout(WITHIN_S), AsyncExitStack() as lent:
            taken: list[_Connection] = []
            for _ in range(connections):  # all before the first one is given back, so that none is taken twice
                taken.append(await lending.begin(WRITE))
                lent.push_async_callback(lending.roll_back, taken[-1])
            # The number of a session is its own among those of all processes, whose locks they would wait for.
            await all_of([run(connection, warming(connection.get_server_pid())) for connection in taken])
    except DATABASE_ERRORS as error:
        log.info(
            "not all connections to PostgreSQL are warm (%s); the first orders may take a little longer",
            in_words(error),
        )
