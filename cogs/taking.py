"""The files of a command, copied and read, as a job's inputs."""

from collections.abc import Mapping
from pathlib import Path

import discord

from bot.catalogue.mode import Mode
from bot.client import Services
from bot.jobs.model import Input
from bot.media.intake import Offered, Taken, Wanted, inputs_folder


async def take_files(
    services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment], job_id: str
) -> tuple[Input, ...]:
    """Copy every attachment and read what it really is, in the order of the mode's fields; the mode takes them all.

    Raises:
        Refusal: one is not what the mode can use.
    """
    wanted = [
        Wanted(
            option=option,
            offered=Offered(url=item.url, file_name=item.filename, size_bytes=item.size),
            bytes_max=spec.bytes_max,
        )
        for option, spec in mode.media().items()
        if (item := attachments.get(option)) is not None
    ]
    taken = await services.intake.take_all(wanted, into=inputs_folder(services.settings.data_dir, job_id))
    inputs = tuple(_input(item, services.settings.data_dir) for item in taken)
    mode.check({item.option: item for item in inputs})
    return inputs


def _input(taken: Taken, data_dir: Path) -> Input:
    facts = taken.facts
    return Input(
        option=taken.option,
        path=str(taken.path.relative_to(data_dir)),
        file_name=taken.file_name,
        kind=facts.kind,
        format=facts.format,
        size_bytes=facts.size_bytes,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        codec=facts.codec,
    )
