"""The buttons below a finished video: rerun, edit, continue, restyle, change, another price, delete."""

from dataclasses import replace

from bot.client import Interaction
from bot.jobs.model import Job, Request
from bot.jobs.rerun import (
    at_highest_resolution,
    at_lowest_resolution,
    loop_of,
    prices_by_resolution,
    rerun,
    resolutions,
)
from bot.texts import finished
from bot.texts.button_ids import RESULT_TEMPLATE
from cogs.base.cog import FeatureCog
from cogs.base.component import PersistentButton
from cogs.base.form import show_form
from cogs.ordering.checks import check_kept
from cogs.ordering.posting_rights import check_place
from cogs.ordering.refused import next_steps
from cogs.results import forms
from cogs.results.deletion import DeletionButton, ask_to_delete
from cogs.results.mailing import mail_to_presser
from cogs.results.rerun import finished_job, order_rerun
from cogs.results.sets import SetSelect, VaryButton, ask_how_many, show_privately
from cogs.results.sharing import ShareSelect, offer_channels


class ResultButton(PersistentButton, template=RESULT_TEMPLATE):
    """A button below a finished video; whoever presses it pays."""

    async def pressed(self, interaction: Interaction) -> None:
        """Rerun the job, open a form, or delete the video."""
        services, action = interaction.client.services, self.parts["action"]
        job = await finished_job(
            services,
            self.parts["job_id"],
            guild_id=interaction.guild_id,
            without_video=action in {"retry", "edit"},
        )
        match action:
            case "more":
                await show_privately(interaction, finished.more_card(job, prices_by_resolution(job, services.prices)))
            case "share":
                await offer_channels(interaction, job)
            case "mail":
                await mail_to_presser(interaction, job)
            case "loop":
                await check_kept(services, job, reader_id=interaction.user.id)
                await order_rerun(interaction, job, replace(loop_of(job), trigger="button:loop"))
            case "variations":
                await ask_how_many(interaction, job)
            case "delete":
                await ask_to_delete(interaction, job)
            case "continue" | "restyle" | "change":
                await check_place(interaction, forms.CLIP_MODES[action])
                await forms.ask_for_clip(interaction, job, action)
            case "edit":
                await check_place(interaction, job.mode)
                await check_kept(services, job, reader_id=interaction.user.id)
                await show_form(interaction, forms.EditForm(services, job, member_id=interaction.user.id))
            case _:
                await self._rerun(interaction, job, action)

    async def _rerun(self, interaction: Interaction, job: Job, action: str) -> None:
        known = forms.RerunAgain(job, _changes(job, action), trigger=f"button:{action}")
        request = replace(_request(job, action), trigger=known.trigger)
        if await forms.ask_for_gone_files(interaction, job, request):
            return
        async with next_steps(interaction, known):
            await order_rerun(interaction, job, request, known=known)


def _changes(job: Job, action: str) -> forms.Typed:
    """Return what the action changes, as the form for editing would."""
    match action:
        case "draft":
            return {"resolution": resolutions(job.mode)[0]}
        case "final":
            return {"resolution": resolutions(job.mode)[-1]}
        case _:
            return {"seed": None} if action == "reseed" else {}


def _request(job: Job, action: str) -> Request:
    match action:
        case "draft":
            return at_lowest_resolution(job)
        case "final":
            return at_highest_resolution(job)
        case _:
            return rerun(job, seed="new" if action == "reseed" else "same")


class ResultButtons(FeatureCog):
    """The buttons below finished videos."""

    buttons = (ResultButton, DeletionButton, VaryButton)
    selects = (ShareSelect, SetSelect)
