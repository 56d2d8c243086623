"""A turn for a member's file, or a friendly refusal."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal, TypeAlias

from bot.errors import Busy
from bot.requester import Requester
from bot.turns import FairTurns, NoTurn, Patience

Work: TypeAlias = Literal["copied", "made to fit"]


@asynccontextmanager
async def turn_or_busy(turns: FairTurns, requester: Requester, patience: Patience, work: Work) -> AsyncGenerator[None]:
    """Hold a place for the block, in which a member's files are `work`.

    Raises:
        Busy: the patience ended before it was the requester's turn; a whole sentence with the limit.
    """
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(turns.turn(requester, patience))
        except NoTurn as error:
            raise Busy(_sentence(error, work)) from error
        yield


def _sentence(error: NoTurn, work: Work) -> str:
    match error.reason:
        case "member":
            return (
                f"{error.limit:g} of your commands are already waiting for their files to be {work}, the most at once. "
                "You weren't charged; try again when one of them has begun."
            )
        case "server":
            return (
                f"{error.limit:g} commands here are already waiting for their files to be {work}, the most at once. "
                "You weren't charged; try again in a few minutes."
            )
        case "time":
            return (
                f"Wanda is busy, and your files weren't {work} within {error.limit:g} s. "
                "You weren't charged; try again in a few minutes."
            )
