"""The buttons below drafts. Their member picks one, none, or lets the channel vote; whoever sees them may vote."""

from bot.client import Interaction
from bot.errors import NotAllowed, OptionRefused
from bot.jobs import pick_rows, picks
from bot.jobs.best_of import final_request
from bot.jobs.model import Job
from bot.jobs.pick_rows import PickRef
from bot.jobs.picks import PickBounds, Press
from bot.jobs.queries import jobs_of_set
from bot.jobs.rule_query import rule_query
from bot.ledger.rules import terms_of
from bot.metrics import PICKS
from bot.settings import Settings
from bot.texts import draft_pick as words
from bot.texts.button_ids import PICK_TEMPLATE, VOTE_SELECT_TEMPLATE
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.jobs.card_buttons import answer_with
from cogs.ordering.checks import check_kept, check_rules, interaction_member
from cogs.ordering.posting_rights import check_commands, check_place

UNCHANGED = "nothing was picked"
BLOCKED = "The admins here have blocked you, so you can't vote."


class PickButton(PersistentButton, template=PICK_TEMPLATE):
    """A button below drafts."""

    async def pressed(self, interaction: Interaction) -> None:
        """Answer privately what came of it."""
        number = int(self.parts["number"])
        match self.parts["action"]:
            case "vote":
                work = _vote(interaction, self.parts["set_id"], number)
            case "pick":
                work = _press(interaction, self.parts["set_id"], "pick", number)
            case "end":
                work = _press(interaction, self.parts["set_id"], "end_vote")
            case _:
                work = _press(interaction, self.parts["set_id"], "none")
        await answer_with(interaction, work, unchanged=UNCHANGED)


class VoteSelect(PersistentSelect, template=VOTE_SELECT_TEMPLATE):
    """How long the channel may vote, below drafts."""

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Begin the vote."""
        seconds = next((one for one in picks.VOTE_LENGTHS_S if str(one) == value), 0)
        work = _press(interaction, self.parts["set_id"], "begin_vote", seconds)
        await answer_with(interaction, work, unchanged=UNCHANGED)


def bounds_of(settings: Settings) -> PickBounds:
    """Return the bounds on picks from the settings."""
    own = settings.picks
    return PickBounds(
        open_s=own.open_s,
        make_s=own.make_s,
        draw_s=own.draw_s,
        draw_old_s=own.draw_old_s,
        old_s=settings.cards.edit_age_max_s,
        retry_s=own.look_s,
        voters_max=own.voters_max,
    )


async def _press(interaction: Interaction, set_id: str, what: Press, value: int = 0) -> str:
    """Carry out what the drafts' member wants; returns the private answer.

    Raises:
        Refusal: nothing was changed.
        StorageError: the database did not answer.
    """
    services, ref = interaction.client.services, PickRef(set_id, interaction.guild_id or 0)
    check_commands(interaction)
    drafts = await drafts_here(interaction, set_id)
    if interaction.user.id != drafts[0].member_id:
        raise OptionRefused(picks.not_yours(drafts[0].member_id, what))
    if what in {"pick", "end_vote"}:
        await _check_may_begin(interaction, ref, drafts)
    pressing = pick_rows.press(
        ref, what, value, member_id=interaction.user.id, now=services.clock(), bounds=bounds_of(services.settings)
    )
    pick = await services.store.write(pressing, guild_id=ref.guild_id)
    if (how := picks.outcome(pick)) is not None:
        PICKS.labels(how).inc()
    interaction.client.dispatch("pick_changed", ref)
    return words.answer(pick)


async def _vote(interaction: Interaction, set_id: str, number: int) -> str:
    """Count a vote; returns the private answer; raises as `_press`."""
    services, ref = interaction.client.services, PickRef(set_id, interaction.guild_id or 0)
    check_commands(interaction)
    await drafts_here(interaction, set_id)
    who, now = interaction_member(interaction), services.clock()
    if (await services.store.read(terms_of(who, at=now, shipped=services.shipped))).blocked is not None:
        raise NotAllowed(BLOCKED, rule="blocked")
    voting = pick_rows.vote(ref, number, member_id=who.member_id, now=now, bounds=bounds_of(services.settings))
    is_new = await services.store.write(voting, guild_id=ref.guild_id)
    return words.voted(number, is_new=is_new)


async def drafts_here(interaction: Interaction, set_id: str) -> tuple[Job, ...]:
    """Return the drafts of this set whose message is in this channel; raises OptionRefused if there are none."""
    jobs = await interaction.client.services.store.read(jobs_of_set(set_id))
    here = (interaction.guild_id, interaction.channel_id)
    found = tuple(job for job in jobs if (job.guild_id, job.address.channel_id) == here)
    if not found:
        raise OptionRefused(picks.GONE)
    return found


async def _check_may_begin(interaction: Interaction, ref: PickRef, drafts: tuple[Job, ...]) -> None:
    """Check all that the final of a draft will need, so that its member reads now what is missing."""
    services = interaction.client.services
    pick = await services.store.read(pick_rows.get_pick(ref.set_id))
    if pick is None:
        raise OptionRefused(picks.GONE)
    request = final_request(drafts[0], pick)
    await check_place(interaction, request.mode.id)
    await check_rules(services, interaction_member(interaction), rule_query(request.mode))
    await check_kept(services, drafts[0], reader_id=interaction.user.id)
