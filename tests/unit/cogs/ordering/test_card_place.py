"""Cards that are posted for an order and taken back when it is refused."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from cogs.ordering.card_place import delete_second_card
from tests.support.job_samples import ADDRESS

_GONE = discord.NotFound(cast("Any", SimpleNamespace(status=404, reason="Not Found")), {"message": "", "code": 10008})


@pytest.mark.parametrize("error", [_GONE, aiohttp.ServerDisconnectedError(), TimeoutError()])
def test_a_card_that_cannot_be_deleted_hides_no_refusal(error: Exception) -> None:
    """The member still reads why, and the order is still kept for another try."""
    asked: list[int] = []

    async def delete_message(message_id: int) -> None:
        asked.append(message_id)
        raise error

    interaction = SimpleNamespace(followup=SimpleNamespace(delete_message=delete_message))
    asyncio.run(delete_second_card(cast("Any", interaction), ADDRESS))
    assert asked == [ADDRESS.message_id]
