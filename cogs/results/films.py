"""What ❌ and ✉️ mean on a film's message, which is the card of all its shots."""

import asyncio
import io
import logging

import discord

from bot.cards.direct_message import mail
from bot.cards.poster import UPLOAD_BYTES_MAX
from bot.client import Services, Wanda
from bot.errors import FilesUnavailable, OptionRefused
from bot.files.names import result_name
from bot.films.acts import Jobs
from bot.films.model import ENDED, Film
from bot.films.recipe import film_recipe
from bot.films.transactions import film_with_jobs
from bot.jobs.model import Job
from bot.jobs.short_id import short_id
from bot.requester import Requester
from bot.texts import film_words as words
from bot.texts.film_card import is_spoiler
from bot.texts.film_strip import is_on_message
from bot.texts.result_link import SPOILER_MARK

log = logging.getLogger(__name__)


async def film_of(services: Services, job: Job) -> tuple[Film, Jobs] | None:
    """Return the film on whose message the job's video is, and the film's jobs; None for any other job.

    Raises:
        StorageError: the database did not answer.
    """
    if job.part is None:
        return None
    found = await services.store.read(film_with_jobs(job.part.film_id))
    return found if found is not None and is_on_message(found[0], job) else None


def check_over(film: Film) -> None:
    """Check that the film has ended, so that its message may go; raises OptionRefused."""
    if film.state not in ENDED:
        raise OptionRefused(words.NOT_OVER)


def shots_on_message(film: Film, jobs: Jobs) -> tuple[Job, ...]:
    """Return the jobs whose card is the film's message: not those of the film that it continues."""
    return tuple(job for job in jobs.values() if is_on_message(film, job))


def files_of(film: Film, jobs: Jobs) -> list[str]:
    """Return the names of the kept videos that are on the film's message."""
    shots = [result_name(job.id) for job in shots_on_message(film, jobs)]
    return [*shots, *(() if film.joined is None else (film.joined.name,))]


async def mail_film(bot: Wanda, film: Film, jobs: Jobs, member_id: int) -> None:
    """Send the film by direct message if it is small enough for one, and to its maker its recipe.

    Raises:
        discord.Forbidden: the member takes no direct messages.
        discord.HTTPException, TimeoutError: Discord refused or failed.
    """
    name, is_mine = f"wanda-film-{short_id(film.id)}", film.who.member_id == member_id
    files: list[discord.File] = []
    if is_mine:  # the card shows of others' words only the beginnings
        files.append(discord.File(io.BytesIO(film_recipe(film, jobs).to_file()), filename=f"{name}.json"))
    path = None if film.joined is None else await _small(bot.services, film.joined.name, film.requester)
    if path is not None:
        mark = SPOILER_MARK if is_spoiler(film) else ""
        files.insert(0, await asyncio.to_thread(discord.File, path, filename=f"{mark}{name}.mp4"))
    try:
        async with asyncio.timeout(bot.services.settings.fal.upload_timeout_s):
            await mail(bot, member_id, words.mail_text(film, attached=path is not None, is_mine=is_mine), files=files)
    finally:
        for file in files:
            file.close()


async def _small(services: Services, name: str, requester: Requester) -> str | None:
    """Return the path of the kept film; None if it is too large for a message, or cannot be had now."""
    try:
        size = (await services.files.sizes([name])).get(name, 0)
        return str(await services.files.fetch(name, requester)) if 0 < size <= UPLOAD_BYTES_MAX else None
    except (FileNotFoundError, FilesUnavailable):
        log.warning("a film could not be had for a direct message", exc_info=True)
        return None
