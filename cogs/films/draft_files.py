"""The pictures and the soundtrack of a draft: copied, made to fit, and kept in the draft's folder."""

import logging
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import discord

from bot.catalogue.registry import by_id
from bot.client import Interaction, Services, requester_of
from bot.errors import FilesUnavailable, Refusal
from bot.files.names import inputs_name
from bot.films.model import Draft
from bot.films.quoting import image_mode
from bot.ids import new_id
from bot.jobs.model import Input
from bot.media.intake import Offered, Wanted
from bot.media_spec import MediaSpec
from bot.runner.job_files import OrderFiles, input_of
from bot.texts.film_panel import LEFT_OUT
from bot.units import MB

log = logging.getLogger(__name__)
SOUNDTRACK = "soundtrack"
SOUND = MediaSpec(
    kind="audio",
    subject="A film takes sound files",
    formats=("mp3", "wav"),
    bytes_max=20 * MB,
    seconds_min=1,
    seconds_max=600,
)
_SUFFIX_BYTES = 4  # of a name: a kept file never changes, so another file has another name


def specs_of(draft: Draft) -> dict[str, MediaSpec]:
    """Return what a draft takes as a first and a last picture, and as its soundtrack."""
    pictures = by_id(image_mode(draft)).media()
    return {"image": pictures["image"], "end_image": pictures.get("end_image", pictures["image"]), SOUNDTRACK: SOUND}


async def take(
    interaction: Interaction, draft: Draft, attachments: Mapping[str, discord.Attachment], *, stem: str
) -> dict[str, Input]:
    """Copy, fit and keep these attachments, by option; `stem` begins the names of the kept files.

    Raises:
        Refusal: a file cannot be used, or there is no room for it; none of them is kept then.
        StorageError: the database or the files did not answer.
    """
    if not attachments:
        return {}
    services, requester = interaction.client.services, requester_of(interaction)
    specs, most = specs_of(draft), services.settings.media.intake_mb_max * MB
    wanted = [
        Wanted(
            option=option,
            offered=Offered(url=one.url, file_name=one.filename, size_bytes=one.size, is_spoiler=one.is_spoiler()),
            bytes_max=max(specs[option].bytes_max, most),
        )
        for option, one in attachments.items()
    ]
    found: dict[str, Input] = {}
    async with OrderFiles(services.order_space, new_id(at=services.clock()), requester) as files:
        await files.make_room(sum(one.offered.size_bytes for one in wanted))
        taken = await services.intake.take_all(wanted, into=files.folder, requester=requester)
        try:
            for one in taken:
                spec = specs[one.option]
                fitted = await services.fitter.fit(one.path, one.facts, spec, requester=requester)
                item = input_of(
                    fitted,
                    option=one.option,
                    file_name=one.file_name,
                    root=services.files.root,
                    is_spoiler=one.is_spoiler,
                )
                found[one.option] = await _kept(services, item, draft, stem)
        except BaseException:
            await forget(services, found.values())
            raise
    return found


async def take_or_say(
    interaction: Interaction, draft: Draft, attachments: Mapping[str, discord.Attachment], *, stem: str
) -> tuple[dict[str, Input], str]:
    """Do as `take`; files that cannot be used are left out, and the sentence says why: what was typed stays.

    Raises:
        StorageError: the database or the files did not answer.
    """
    try:
        return await take(interaction, draft, attachments, stem=stem), ""
    except Refusal as refused:
        return {}, f"{refused} {LEFT_OUT}"


async def _kept(services: Services, item: Input, draft: Draft, stem: str) -> Input:
    """Return the input as the draft has it, in the draft's own folder."""
    ending = Path(item.path).suffix
    name = f"{inputs_name(draft.id)}/{stem}-{item.option}-{secrets.token_hex(_SUFFIX_BYTES)}{ending}"
    await services.files.adopt(services.files.root / item.path, name)
    return replace(item, path=name)


async def forget(services: Services, items: Iterable[Input]) -> None:
    """Remove files that no draft has any more; what cannot be removed now goes with the draft."""
    names = [item.path for item in items]
    if names:
        with suppress(FilesUnavailable):
            await services.files.remove(names)


async def forget_all(services: Services, draft_id: str) -> None:
    """Remove all files of a draft that was deleted; what cannot be removed now was noted and is removed later."""
    try:
        await services.files.remove_jobs([draft_id])
    except FilesUnavailable as error:
        log.warning("the files of a draft are removed later: %s", error)
