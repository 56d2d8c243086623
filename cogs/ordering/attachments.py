"""The files of a command, copied, read and made to fit, as a job's inputs."""

import asyncio
from collections.abc import Mapping

import discord

from bot.catalogue.mode import Mode
from bot.client import Services
from bot.jobs.model import Input
from bot.jobs.rerun import CONTINUES
from bot.media.intake import Offered, Taken, Wanted, discard, inputs_folder, refuse_by_claim
from bot.media.rules.needs import Keep
from bot.runner.job_files import input_of
from bot.units import MB


def refuse_too_large(services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment]) -> None:
    """Return when Discord declares no attachment larger than what Wanda copies in order to make it fit.

    Raises:
        MediaRefused: one is.
    """
    for wanted in _wanted(services, mode, attachments):
        refuse_by_claim(wanted)


async def take_files(
    services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment], job_id: str
) -> tuple[Input, ...]:
    """Copy every attachment, read what it really is and make it fit, in the order of the mode's fields.

    The mode takes them all afterwards. When one is refused nothing is kept.

    Raises:
        Refusal: one is not what the mode can use, also after everything that can be done to it.
    """
    folder = inputs_folder(services.settings.data_dir, job_id)
    taken = await services.intake.take_all(_wanted(services, mode, attachments), into=folder)
    done = False
    try:
        inputs = tuple([await _fitted(services, mode, item) for item in taken])
        mode.check({item.option: item for item in inputs})
        done = True
    finally:
        if not done:
            await asyncio.shield(discard(folder))
    return inputs


def _wanted(services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment]) -> list[Wanted]:
    """Return what is copied: also what is larger than the mode takes, as long as it may be made to fit."""
    most = services.settings.intake_mb_max * MB
    return [
        Wanted(
            option=option,
            offered=Offered(url=item.url, file_name=item.filename, size_bytes=item.size),
            bytes_max=max(spec.bytes_max, most),
        )
        for option, spec in mode.media().items()
        if (item := attachments.get(option)) is not None
    ]


async def _fitted(services: Services, mode: Mode, taken: Taken) -> Input:
    """Return the input that fits; the file that did not is gone then."""
    # What is continued goes on from its end, so that of a clip that is too long the end is what is needed.
    keep: Keep = "end" if (mode.id, taken.option) == (CONTINUES, "video") else "start"
    fitted = await services.fitter.fit(taken.path, taken.facts, mode.media()[taken.option], keep=keep)
    if fitted.path != taken.path:
        await asyncio.to_thread(taken.path.unlink, missing_ok=True)
    return input_of(fitted, option=taken.option, file_name=taken.file_name, data_dir=services.settings.data_dir)
