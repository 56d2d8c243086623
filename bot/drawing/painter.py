"""Draws charts in worker processes. Pictures are optional: a chart's text is sent with or without one."""

import asyncio
import base64
import binascii
import logging
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.charts.model import Chart, to_wire
from bot.requester import Requester
from bot.settings import ChartSettings
from bot.turns import NoTurn, Patience
from bot.workers.pool import WorkerEnded, Workers, WorkersUnavailable

_log = logging.getLogger(__name__)

WORKER = "bot.drawing.worker"
PNG_BYTES_MAX = 512 * 1024  # the largest seen is 80 KiB
# More would wait longer than anybody looks at a message.
WAITING_MEMBER_MAX, WAITING_SERVER_MAX = 4, 32
_IDLE_S = 60.0  # a report needs three pictures in a row; between reports the memory is freed
_ANSWER_BYTES_MAX = PNG_BYTES_MAX * 4 // 3 + 1024
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class _Drawn(BaseModel):
    """A picture, as a worker sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    png: str = Field(max_length=_ANSWER_BYTES_MAX)


class _Failed(BaseModel):
    """An error in a worker, as it sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    error: str = Field(max_length=500)


_Answer: TypeAlias = Annotated[_Drawn | _Failed, Field(union_mode="left_to_right")]
_ANSWER: TypeAdapter[_Drawn | _Failed] = TypeAdapter(_Answer)


class Painter:
    """Draws charts as PNG files. An async context manager: leaving it ends the workers."""

    def __init__(self, workers: Workers, *, timeout_s: float) -> None:
        self._workers = workers
        self._timeout_s = timeout_s
        self._patience = Patience(wait_s=2 * timeout_s, member_max=WAITING_MEMBER_MAX, server_max=WAITING_SERVER_MAX)

    @classmethod
    def of(cls, settings: ChartSettings) -> Self:
        """Create it from the settings; the first worker starts with the first picture."""
        workers = Workers(
            WORKER,
            at_once=settings.at_once,
            memory_mib=settings.memory_mib,
            timeout_s=settings.timeout_s,
            answer_bytes_max=_ANSWER_BYTES_MAX,
            idle_s=_IDLE_S,
            name="chart",
        )
        return cls(workers, timeout_s=settings.timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._workers.close()

    async def png(self, chart: Chart, requester: Requester) -> bytes | None:
        """Return the chart as a PNG file 1000 pixels wide, or None after an error or the timeout; both are logged.

        It takes at most twice `timeout_s`, which includes the wait for a free worker and its start. The caller sends
        `bot.charts.text.chart_text` in any case.
        """
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                answer = _ANSWER.validate_python(await self._workers.ask(to_wire(chart), requester, self._patience))
            return _picture(answer)
        except (WorkerEnded, WorkersUnavailable, NoTurn, TimeoutError) as error:
            _log.warning("No picture was drawn: %s", error or "all workers are busy")
        except ValidationError as error:
            _log.warning("A drawing worker answered out of form: %s", error.errors(include_input=False))
        return None


def _picture(answer: _Drawn | _Failed) -> bytes | None:
    """Return the PNG file in the answer, or None (logged) if the worker failed or sent something else."""
    if isinstance(answer, _Failed):
        _log.error("A picture could not be drawn: %s", answer.error)
        return None
    try:
        data = base64.b64decode(answer.png, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data.startswith(_SIGNATURE) or len(data) > PNG_BYTES_MAX:
        _log.error("A drawing worker answered with %d bytes that are no PNG of ours.", len(data))
        return None
    return data
