"""Orders a rerun of a finished job: as a command does, but with copies of the parent's files."""

from bot.catalogue.doubts import Doubt, doubts_of
from bot.client import Interaction, Services
from bot.errors import OptionRefused, Refusal
from bot.jobs.model import Job, Request, mode_of
from bot.jobs.queries import get
from bot.jobs.rerun import mark_borrowed
from bot.jobs.rule_query import rule_query
from bot.texts import finished
from cogs.ordering.command import place_order
from cogs.ordering.posting_rights import check_place
from cogs.ordering.refused import KnownOrder


async def finished_job(services: Services, job_id: str, *, guild_id: int | None, without_video: bool = False) -> Job:
    """Return a finished job of this server; with `without_video` also one that ended without a video.

    Raises:
        OptionRefused: there is no such job, or it is not finished.
        StorageError: the database did not answer.
    """
    job = await services.store.read(get(job_id))
    if job is None or job.guild_id != guild_id:
        raise OptionRefused(finished.NOT_IN_THE_BOOKS)
    if job.state != "done" and not (without_video and job.state in finished.CLOSED_WITHOUT_VIDEO):
        raise OptionRefused(finished.NOT_FINISHED)
    return job


async def order_rerun(
    interaction: Interaction, parent: Job, request: Request, *, known: KnownOrder | None = None
) -> None:
    """Order the rerun for the member who pressed, with copies of the parent's files.

    `known` is what is offered again when it is refused.

    Raises:
        Refusal: nothing was held or kept; the interaction was not answered.
        StorageError: likewise.
    """
    await check_place(interaction, request.mode.id)
    request = mark_borrowed(request, parent, member_id=interaction.user.id)
    request.check_inputs()
    if known is not None:
        known.request = request
    quote = request.quote(interaction.client.services.prices)
    await place_order(
        interaction,
        rule_query(request.mode),
        lambda files: files.copy_inputs(request),
        quote=quote,
        known=known,
        doubts=_new_doubts(parent, request),
    )


def _new_doubts(parent: Job, request: Request) -> tuple[Doubt, ...]:
    """Return the doubts about the request that its parent did not have: what was made once is no mistake."""
    try:
        had = doubts_of(mode_of(parent))
    except Refusal:
        had = ()  # the catalogue no longer has the parent's options
    return tuple(doubt for doubt in doubts_of(request.mode) if doubt not in had)
