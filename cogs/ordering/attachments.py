"""Copies, probes and fits a command's attachments, which become the job's inputs."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import discord

from bot.catalogue.mode import Mode
from bot.client import Interaction, Services, requester_of
from bot.jobs.model import Input, Request
from bot.jobs.rerun import CONTINUES
from bot.media.intake import Offered, Taken, Wanted, refuse_by_claim
from bot.media.rules.needs import Keep
from bot.requester import Requester
from bot.runner.job_files import OrderFiles, input_of
from bot.units import MB


def refuse_too_large(services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment]) -> None:
    """Check the sizes that Discord declares against the largest that Wanda copies, even to make a file fit.

    Raises:
        MediaRefused: a file is too large.
    """
    for wanted in _wanted(services, mode, attachments):
        refuse_by_claim(wanted)


async def take_files(
    interaction: Interaction, request: Request, attachments: Mapping[str, discord.Attachment], files: OrderFiles
) -> Request:
    """Copy, fit and check the attachments; return the request with them as inputs, in the order of the mode's fields.

    A file that takes the place of an earlier input that was a spoiler is one too.

    Raises:
        Refusal: a file cannot be made to fit the mode, or there is no room for it.
        StorageError: the database did not answer.
    """
    services, requester, mode = interaction.client.services, requester_of(interaction), request.mode
    wanted = _wanted(services, mode, attachments)
    await files.make_room(sum(one.offered.size_bytes for one in wanted))
    taken = await services.intake.take_all(wanted, into=files.folder, requester=requester)
    hidden = {item.option for item in request.inputs if item.is_spoiler}
    fitted = [await _fitted(services, mode, item, requester) for item in taken]
    inputs = [replace(item, is_spoiler=item.is_spoiler or item.option in hidden) for item in fitted]
    request = replace(request, inputs=tuple(inputs))
    request.check_inputs()
    return request


def _wanted(services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment]) -> list[Wanted]:
    """Return the files to copy; they may be larger than the mode accepts, because they are made to fit afterwards."""
    most = services.settings.media.intake_mb_max * MB
    return [
        Wanted(
            option=option,
            offered=Offered(url=item.url, file_name=item.filename, size_bytes=item.size, is_spoiler=item.is_spoiler()),
            bytes_max=max(spec.bytes_max, most),
        )
        for option, spec in mode.media().items()
        if (item := attachments.get(option)) is not None
    ]


async def _fitted(services: Services, mode: Mode, taken: Taken, requester: Requester) -> Input:
    """Return an input that fits the mode; the original file is deleted if a converted one replaces it."""
    # A continuation starts at the end of its clip, so the end of a long clip is kept.
    keep: Keep = "end" if (mode.id, taken.option) == (CONTINUES, "video") else "start"
    spec = mode.media()[taken.option]
    fitted = await services.fitter.fit(taken.path, taken.facts, spec, requester=requester, keep=keep)
    if fitted.path != taken.path:
        await asyncio.to_thread(taken.path.unlink, missing_ok=True)
    return input_of(
        fitted,
        option=taken.option,
        file_name=taken.file_name,
        root=services.files.root,
        is_spoiler=taken.is_spoiler,
    )
