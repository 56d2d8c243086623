"""From a wish about a finished video to an accepted job: the new job's own files, the price, the question, the card."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.client import FAILED, STORAGE_TROUBLE, Interaction, Services, answer_privately
from bot.errors import FilesGone, OptionRefused, Refusal, StorageError
from bot.jobs.model import Address, Job
from bot.jobs.rerun import Rerun
from bot.jobs.transactions import get
from bot.ledger.model import RuleQuery, Who
from bot.media.intake import discard, inputs_folder
from bot.runner.drafts import Draft
from bot.runner.job_files import copy_inputs, inputs_gone
from bot.texts import finished
from cogs.ordering.card_place import order_of, second_card
from cogs.ordering.command import check_place, public_card, taking_back
from cogs.ordering.confirmation import ask_first
from cogs.ordering.quote import refuse_if_ruled_out, weigh, weigh_at_once
from cogs.ordering.who import asker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """What a member wants of a finished video.

    `known` is what will be asked for, None while only the new job's own files can tell; `query` is what of it the rules
    look at then, before there are files. `prepare` gives the job of that id its files and returns what to ask for.
    """

    parent: Job
    trigger: str
    known: Rerun | None
    prepare: Callable[[str], Awaitable[Rerun]]
    query: RuleQuery | None = None


def wish_for(services: Services, parent: Job, again: Rerun, trigger: str) -> RerunRequest:
    """Return the wish for something with the parent's own files."""

    async def prepare(job_id: str) -> Rerun:
        return replace(again, inputs=await copy_inputs(again.inputs, services.settings.data_dir, job_id))

    return RerunRequest(parent=parent, trigger=trigger, known=again, prepare=prepare)


async def finished_job(services: Services, job_id: str, *, guild_id: int | None) -> Job:
    """Return the job of this server whose video stands in the channel.

    Raises:
        OptionRefused: there is none, or it is not finished.
        StorageError: the database did not answer.
    """
    job = await services.store.read(get(job_id))
    if job is None or job.guild_id != guild_id:
        raise OptionRefused(finished.NOT_IN_THE_BOOKS)
    if job.state != "done":
        raise OptionRefused(finished.NOT_FINISHED)
    return job


async def carry_out(interaction: Interaction, wish: RerunRequest) -> None:
    """Make it for whoever pressed, ask them first if it is costly, or say privately why not; a refusal keeps nothing.

    Raises:
        Refusal: the interaction was not answered yet.
        StorageError: likewise.
    """
    services = interaction.client.services
    check_place(interaction)
    who = asker(interaction)
    costly = False
    if wish.known is not None:
        weighed = await weigh_at_once(services, who, wish.known.mode, wish.known.inputs)
        costly = weighed is not None and weighed.is_costly
    card = None
    if costly:
        await interaction.response.defer(ephemeral=True, thinking=True)
    else:
        card = await public_card(interaction)
    async with taking_back(interaction):
        await _begin(interaction, wish, who, card)


async def _begin(interaction: Interaction, wish: RerunRequest, who: Who, card: Address | None) -> None:
    """Give the job its files, then have it accepted on its card or ask the member; what fails leaves nothing."""
    services = interaction.client.services
    job_id, kept = services.new_id(), False
    try:
        if wish.query is not None:
            await refuse_if_ruled_out(services, who, wish.query)
        draft = await draft_for(services, wish, who, job_id)
        weighed = await weigh(services, who, draft.mode, draft.inputs)
        if weighed.is_costly:
            await ask_first(interaction, draft, weighed, in_public=card is not None)
        else:
            await services.runner.accept(order_of(draft, card or await second_card(interaction)))
        kept = True
    finally:
        if not kept:
            await discard(inputs_folder(services.settings.data_dir, job_id))


async def draft_for(services: Services, wish: RerunRequest, who: Who, job_id: str) -> Draft:
    """Return the wish as a draft whose files are its own and were checked; the caller owns them, whatever happens.

    Raises:
        Refusal: a file is gone, or is not what the mode takes.
    """
    again = await wish.prepare(job_id)
    again.mode.check({item.option: item for item in again.inputs})
    borrowed = wish.parent.member_id != who.member_id
    return Draft(
        id=job_id,
        who=who,
        mode=again.mode,
        inputs=tuple(replace(item, is_borrowed=borrowed or item.is_borrowed) for item in again.inputs),
        expires_at=services.clock() + services.settings.draft_life_s,
        parent_id=wish.parent.id,
        trigger=wish.trigger,
        notes=again.notes,
    )


async def check_kept(services: Services, job: Job) -> None:
    """Return when Wanda has every input of the job.

    Raises:
        FilesGone: she has not; the sentence asks for it again.
    """
    gone = await inputs_gone(job, services.settings.data_dir)
    if gone:
        raise FilesGone(finished.not_kept(job, gone, services.settings.keep_days))


async def answering(interaction: Interaction, work: Awaitable[None]) -> None:
    """Do the work of a button or a form, and say privately what went wrong before it was answered."""
    try:
        await work
    except Refusal as refusal:
        await answer_privately(interaction, str(refusal))
    except StorageError:
        log.exception("a button was refused: the database did not answer")
        await answer_privately(interaction, STORAGE_TROUBLE)
    except Exception:
        log.exception("a button failed")
        await answer_privately(interaction, FAILED)
