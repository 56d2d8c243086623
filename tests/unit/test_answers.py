"""What is logged of an interaction that failed."""

import logging
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot.answers import sentence_for

INTERACTION = cast(
    "Any",
    SimpleNamespace(command=None, data={"custom_id": "again:1"}, user=SimpleNamespace(id=3), guild_id=1, channel_id=2),
)


def refused(status: int, code: int) -> discord.HTTPException:
    """Return what discord.py raises when Discord refuses a request with this status and code."""
    response = cast("Any", SimpleNamespace(status=status, reason="no"))
    return discord.HTTPException(response, {"code": code, "message": "Unknown interaction"})


@pytest.mark.parametrize(
    "error",
    [
        refused(404, 10062),  # more than 3 s passed
        refused(400, 40060),  # answered already
        refused(404, 10008),  # its message was deleted meanwhile
        refused(404, 10003),  # its channel was
        refused(403, 50001),
        refused(503, 0),
        aiohttp.ServerDisconnectedError(),
    ],
)
def test_an_answer_that_discord_does_not_take_is_no_defect(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """One line without a traceback tells of an interaction that was over, or of trouble that others made."""
    sentence_for(error, INTERACTION)
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage().endswith("[again, server 1, channel 2, member 3]")


@pytest.mark.parametrize("error", [refused(400, 50035), ValueError("wrong")])
def test_a_defect_is_logged_with_its_traceback(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """So is a request that Discord will never take, because Wanda made it wrongly."""
    sentence_for(error, INTERACTION)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error
