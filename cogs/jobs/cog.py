"""`/jobs` and `/queue`: lists, shows and cancels a member's videos in this server, and makes and replays recipes."""

import asyncio
import io
import logging
from typing import Any

import discord
from discord import app_commands

from bot.cards.embeds import to_embed, to_view
from bot.cards.job_cards import file_name
from bot.cards.poster import UPLOAD_BYTES_MAX
from bot.cards.result_file import ending
from bot.catalogue.registry import MODE_TITLES
from bot.client import Interaction, Services
from bot.errors import OptionRefused, Refusal, StorageError
from bot.jobs import queries
from bot.jobs.disclosure import as_seen_by, hidden_options
from bot.jobs.model import Job
from bot.jobs.recipe import recipe_of
from bot.jobs.short_id import short_id
from bot.ledger.model import Who
from bot.runner.job_files import inputs_gone, small_result
from bot.runner.retention import DAY_S
from bot.texts import jobs as words
from bot.texts.button_ids import JOBS_FILTER_TEMPLATE, JOBS_PAGE_TEMPLATE
from bot.texts.card import Card
from bot.texts.finished import CUT_RECIPE
from bot.texts.jobs import ANY, FILTERS, PAGE_LINES, JobDetails, JobsPage
from bot.texts.mode_settings import mode_settings_of
from bot.texts.trouble import PAGE_TROUBLE
from cogs.base.acknowledgement import think
from cogs.base.cog import FeatureCog
from cogs.base.command_group import CommandSpec, top_group
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.base.page import STALE, cursor_text, read_cursor, show_page, turn_page
from cogs.jobs.queue import queue_command
from cogs.jobs.replay import replay_video
from cogs.ordering.checks import interaction_member

log = logging.getLogger(__name__)
OFFERED_MAX = 25  # Discord's limit of choices
LOOKED_THROUGH_MAX = 200  # how many of the member's latest jobs are searched
CANDIDATES_MAX = 5


async def page_of_jobs(interaction: Interaction, mode: str, wanted: str, cursor: str) -> Card:
    """Return the page of the member's jobs after `cursor`; "" is the newest page.

    Raises:
        OptionRefused: the cursor or the filter is malformed.
        StorageError: the database did not answer.
    """
    if wanted != ANY and wanted not in FILTERS:
        raise OptionRefused(STALE)
    who = interaction_member(interaction)
    found = await interaction.client.services.store.read(
        queries.member_jobs(
            who.guild_id,
            who.member_id,
            mode=None if mode == ANY else mode,
            states=() if wanted == ANY else FILTERS[wanted][1],
            before=read_cursor(cursor),
            limit=PAGE_LINES + 1,  # one more shows whether there is an older page
        )
    )
    older = cursor_text(*queries.cursor_of(found[PAGE_LINES - 1])) if len(found) > PAGE_LINES else None
    jobs = [as_seen_by(job, who.member_id) for job in found[:PAGE_LINES]]
    page = JobsPage(mode=mode, filter=wanted, cursor=cursor, older=older)
    return words.jobs_card(page, jobs, gone=[job.id for job in jobs if _is_gone(interaction, job)])


def _is_gone(interaction: Interaction, job: Job) -> bool:
    """Return whether the job's channel was deleted, or its thread's channel: archived threads are not known."""
    guild = interaction.guild
    if guild is None or not guild.channels:
        return False
    return guild.get_channel(job.rules_channel_id or job.address.channel_id) is None


class JobsPageButton(PersistentButton, template=JOBS_PAGE_TEMPLATE):
    """Shows another page of a private list."""

    async def pressed(self, interaction: Interaction) -> None:
        """Replace the page shown."""
        page = page_of_jobs(interaction, self.parts["mode"], self.parts["state_filter"], self.parts["cursor"])
        await turn_page(interaction, page)


class JobsFilterSelect(PersistentSelect, template=JOBS_FILTER_TEMPLATE):
    """Filters a private list."""

    trouble = PAGE_TROUBLE

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Show the newest page of what was chosen."""
        chosen = {"mode": self.parts["mode"], "state": self.parts["state_filter"], self.parts["what"]: value}
        await turn_page(interaction, page_of_jobs(interaction, chosen["mode"], chosen["state"], ""))


@app_commands.describe(mode="Only videos of this kind.", state="Only videos in this state.")
@app_commands.choices(
    mode=[app_commands.Choice(name=title, value=mode_id) for mode_id, title in MODE_TITLES.items()],
    state=[app_commands.Choice(name=label, value=name) for name, (label, _) in FILTERS.items()],
)
async def list_jobs(interaction: Interaction, mode: str = ANY, state: str = ANY) -> None:
    """List the member's videos in this server, a page at a time."""
    await think(interaction)
    await show_page(interaction, await page_of_jobs(interaction, mode, state, ""))


async def own_job(services: Services, who: Who, text: str) -> Job:
    """Return the member's job here that this text names: its id, or the number that its card shows.

    Raises:
        OptionRefused: there is none, or more than one; then the sentence names them.
        StorageError: the database did not answer.
    """
    found = await services.store.read(queries.jobs_named(who.guild_id, who.member_id, text, limit=CANDIDATES_MAX))
    if len(found) == 1:
        return found[0]
    raise OptionRefused(words.several_jobs(found) if found else words.NO_JOB)


async def offer_jobs(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
    """Return the member's latest videos whose names contain the typed text."""
    return await _choices(interaction, current, ())


async def offer_open_jobs(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
    """Return the member's videos that can still be cancelled."""
    return await _choices(interaction, current, (*FILTERS["open"][1], *FILTERS["waiting"][1]))


async def _choices(interaction: Interaction, current: str, states: tuple[Any, ...]) -> list[app_commands.Choice[str]]:
    typed = current.strip().lower()
    try:
        who = interaction_member(interaction)
        limit = LOOKED_THROUGH_MAX if typed else OFFERED_MAX
        jobs = await interaction.client.services.store.read(
            queries.member_jobs(who.guild_id, who.member_id, states=states, limit=limit)
        )
    except (Refusal, StorageError):
        log.warning("no videos could be offered", exc_info=True)
        return []
    named = [(words.choice_label(job), job.id) for job in jobs]
    fitting = [(name, job_id) for name, job_id in named if typed in name.lower() or job_id == typed]
    return [app_commands.Choice(name=name, value=job_id) for name, job_id in fitting[:OFFERED_MAX]]


@app_commands.describe(job="Which one. Type part of its prompt or number.")
@app_commands.autocomplete(job=offer_jobs)
async def show_job(interaction: Interaction, job: str) -> None:
    """Show everything stored about one of the member's jobs."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    found = await own_job(services, who, job)
    gone = await inputs_gone(found, services.files)
    keeps_until = found.created_at + services.settings.storage.keep_days * DAY_S
    video = await _video_elsewhere(interaction, found)
    kept = JobDetails(
        children=await services.store.read(queries.children_of(found.id)),
        gone=gone,
        keeps_until=keeps_until,
        has_video=bool(video),
    )
    told = mode_settings_of(found)
    card = words.details_card(
        as_seen_by(found, who.member_id), kept, mode_title=told.mode_title, settings=told.settings
    )
    try:
        await interaction.edit_original_response(embed=to_embed(card), view=to_view(card), attachments=video)
    finally:
        for file in video:
            file.close()


async def _video_elsewhere(interaction: Interaction, job: Job) -> list[discord.File]:
    """Return the video that is not on the job's card, if Wanda has it and Discord takes it."""
    if not words.is_elsewhere(job):
        return []
    path = await small_result(job, interaction.client.services.files, bytes_max=UPLOAD_BYTES_MAX)
    if path is None:
        return []
    return [await asyncio.to_thread(lambda: discord.File(path, filename=file_name(job, ending(path))))]


@app_commands.describe(job="Which one. Only videos that aren't made yet can be cancelled.")
@app_commands.autocomplete(job=offer_open_jobs)
async def cancel_job(interaction: Interaction, job: str) -> None:
    """Cancel one of the member's jobs, if that is still possible."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    found = await own_job(services, who, job)
    sentence = await services.runner.cancel(found.id, member_id=who.member_id)
    await interaction.edit_original_response(content=sentence)


@app_commands.describe(job="Which one. Type part of its prompt or number.")
@app_commands.autocomplete(job=offer_jobs)
async def send_recipe(interaction: Interaction, job: str) -> None:
    """Send the member the recipe of one of their videos as a file."""
    who = interaction_member(interaction)
    await think(interaction)
    found = await own_job(interaction.client.services, who, job)
    content = recipe_of(found, reader_id=who.member_id).to_file()
    note = f" {CUT_RECIPE}" if "prompt" in hidden_options(found, who.member_id) else ""
    file = discord.File(io.BytesIO(content), filename=f"recipe-{short_id(found.id)}.json")
    await interaction.edit_original_response(content=f"{words.RECIPE}{note}", attachments=[file])


@app_commands.describe(
    recipe="The JSON file that /jobs recipe gave you.",
    image="The picture, if the recipe has one.",
    end_image="The last frame, if the recipe has one.",
    video="The clip, if the recipe has one.",
    audio="The sound, if the recipe has one.",
    reference_image="The reference picture, if the recipe has one.",
    **{f"image{number}": f"Reference picture {number}, if the recipe has it." for number in range(1, 6)},
    **{f"video{number}": f"Reference clip {number}, if the recipe has it." for number in range(1, 4)},
)
async def replay_recipe(
    interaction: Interaction,
    recipe: discord.Attachment,
    *,
    image: discord.Attachment | None = None,
    end_image: discord.Attachment | None = None,
    video: discord.Attachment | None = None,
    audio: discord.Attachment | None = None,
    reference_image: discord.Attachment | None = None,
    image1: discord.Attachment | None = None,
    image2: discord.Attachment | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    image5: discord.Attachment | None = None,
    video1: discord.Attachment | None = None,
    video2: discord.Attachment | None = None,
    video3: discord.Attachment | None = None,
) -> None:
    """Make a video from a recipe and its files."""
    given = {"image": image, "end_image": end_image, "video": video, "audio": audio}
    given |= {"reference_image": reference_image}
    given |= {"image1": image1, "image2": image2, "image3": image3, "image4": image4, "image5": image5}
    given |= {"video1": video1, "video2": video2, "video3": video3}
    await replay_video(interaction, recipe, {name: file for name, file in given.items() if file is not None})


COMMANDS = (
    CommandSpec("list", "See your videos here: how they're doing, what they cost, and where they are.", list_jobs),
    CommandSpec("show", "See everything about one of your videos.", show_job),
    CommandSpec("cancel", "Cancel a video that isn't made yet.", cancel_job),
    CommandSpec("recipe", "Get a video's recipe: a small file to keep, share or change.", send_recipe),
    CommandSpec("replay", "Make a video from a recipe and its files.", replay_recipe),
)


def jobs_group() -> app_commands.Group:
    """Return a new `/jobs`."""
    return top_group("jobs", "Your own videos in this server.", COMMANDS)


class Jobs(FeatureCog):
    """`/jobs`, the buttons and lists below its pages, and `/queue`."""

    buttons = (JobsPageButton,)
    selects = (JobsFilterSelect,)

    @staticmethod
    def make_commands() -> tuple[app_commands.Group, app_commands.Command[Any, ..., Any]]:
        """Return `/jobs` and `/queue`."""
        return jobs_group(), queue_command()
