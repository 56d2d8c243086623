"""Carries picks on: opens them when the drafts are made, counts votes in time, begins finals, and draws the cards.

Everything is in the picks' rows. One look at a row does what is due, whether it comes from a press, from a draft's end,
from the time, or from the first look after a crash.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from discord.ext import commands

from bot.answers import count_refusal
from bot.cards.discord_request import DiscordRefused, Trouble
from bot.client import Wanda
from bot.errors import Busy, DiscordBusy, NotReserved, Refusal, StorageError
from bot.jobs import pick_rows, picks
from bot.jobs.model import Job
from bot.jobs.pick_rows import Looked, PickRef
from bot.log import job_scope
from bot.metrics import PICKS
from bot.requester import Requester
from bot.storage.transaction import Transaction
from bot.texts.set_card import is_on_message
from bot.turns import FairTurns
from cogs.base.cog import LoopCog
from cogs.picks.buttons import PickButton, VoteSelect, bounds_of
from cogs.picks.final import MemberLeft, begin_final

log = logging.getLogger(__name__)
AT_ONCE = 8
UNDER_WAY_MAX = 500  # the others are looked for again


class Picks(LoopCog):
    """Looks at picks: at those that changed at once, and at those whose time has come every `look_s`."""

    buttons = (PickButton,)
    selects = (VoteSelect,)

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._turns = FairTurns(AT_ONCE, name="pick")
        self._looks: dict[PickRef, asyncio.Task[None]] = {}
        self._again: set[PickRef] = set()  # changed while they are looked at

    @commands.Cog.listener()
    async def on_draft_ended(self, job: Job) -> None:
        """Look at the pick: this may have been the last of the drafts."""
        self._look_soon(PickRef(job.set_id, job.guild_id))

    @commands.Cog.listener()
    async def on_pick_changed(self, ref: PickRef) -> None:
        """Look at the pick: its member pressed something."""
        self._look_soon(ref)

    async def loop(self) -> None:
        """Look at what is due, again and again."""
        await self.bot.wait_until_ready()
        services = self.bot.services
        try:
            while True:
                try:
                    due = await services.store.read(pick_rows.due_picks(services.clock(), self.bot.held_shards()))
                except StorageError:
                    log.warning("due picks could not be read; this is tried again", exc_info=True)
                else:
                    for ref in due:
                        self._look_soon(ref)
                await asyncio.sleep(services.settings.picks.look_s)
        finally:
            looks = list(self._looks.values())
            for task in looks:
                task.cancel()
            await asyncio.gather(*looks, return_exceptions=True)

    def _look_soon(self, ref: PickRef) -> None:
        if ref in self._looks:
            self._again.add(ref)
        elif len(self._looks) < UNDER_WAY_MAX and not self.bot.is_stopping:
            self._looks[ref] = task = asyncio.create_task(self._look(ref), name=f"pick {ref.set_id}")
            task.add_done_callback(lambda _: self._looked(ref))

    def _looked(self, ref: PickRef) -> None:
        del self._looks[ref]
        if ref in self._again:
            self._again.discard(ref)
            self._look_soon(ref)

    async def _look(self, ref: PickRef) -> None:
        with job_scope(ref.set_id):
            try:
                async with self._turns.turn(Requester(ref.guild_id, 0)):
                    await self._carry_on(ref)
            except StorageError as error:
                log.warning("a pick is looked at again later, because the database did not answer: %s", error)
            except Exception:
                log.exception("a defect kept a pick from being carried on; this is tried again")
                with suppress(StorageError):
                    await self._note(ref, self._put_off(ref))

    async def _carry_on(self, ref: PickRef) -> None:
        services, bounds = self.bot.services, bounds_of(self.bot.services.settings)
        looking = pick_rows.look(ref, now=services.clock(), bounds=bounds)
        looked = await services.store.write(looking, guild_id=ref.guild_id)
        if looked is None:
            return
        if looked.before.state != looked.pick.state:
            log.info("the pick is now %s", looked.pick.state)
            if (how := picks.outcome(looked.pick)) is not None:
                PICKS.labels(how).inc()
        if looked.step == "make":
            await self._make(ref, looked)
        await self._draw(ref, looked)

    async def _make(self, ref: PickRef, looked: Looked) -> None:
        """Begin the final, and note what came of it."""
        now, bounds = self.bot.services.clock, bounds_of(self.bot.services.settings)
        draft = _numbered(looked)
        if draft is None:
            await self._note(ref, pick_rows.end_pick(ref, "gone", now=now(), bounds=bounds))
            return
        try:
            await begin_final(self.bot, looked.pick, draft)
        except NotReserved:
            await self._note(ref, pick_rows.end_pick(ref, "late", now=now(), bounds=bounds))
        except MemberLeft:
            await self._note(ref, pick_rows.end_pick(ref, "left", now=now(), bounds=bounds))
        except (Busy, DiscordBusy, DiscordRefused) as error:
            log.info("the final is begun later: %s", error)
            await self._note(ref, self._put_off(ref))
        except Refusal as refusal:
            count_refusal(refusal)
            log.info("the final may not be begun: %s", refusal)
            await self._note(ref, pick_rows.note_refused(ref, now=now(), bounds=bounds))
        else:
            await self._note(ref, pick_rows.note_made(ref, now=now(), bounds=bounds))

    def _put_off(self, ref: PickRef) -> Transaction[None]:
        services = self.bot.services
        return pick_rows.note_tried(ref, now=services.clock(), bounds=bounds_of(services.settings))

    async def _note(self, ref: PickRef, change: Transaction[None]) -> None:
        await self.bot.services.store.write(change, guild_id=ref.guild_id)

    async def _draw(self, ref: PickRef, looked: Looked) -> None:
        """Have the card show the pick as it is now, if it is time for that."""
        services, bounds = self.bot.services, bounds_of(self.bot.services.settings)
        pick = await services.store.read(pick_rows.get_pick(ref.set_id))
        if pick is None or services.clock() < picks.draws_at(pick, bounds, now=services.clock()):
            return
        trouble = await self._redrawn(looked.drafts)
        if trouble == "message_gone" and pick.state in picks.OPEN:
            await self._note(ref, pick_rows.end_pick(ref, "gone", now=services.clock(), bounds=bounds))
        version = {"later": pick.shown, "message_gone": picks.NEVER_SHOWN}.get(trouble or "", pick.version)
        await self._note(ref, pick_rows.note_shown(ref, version, now=services.clock(), bounds=bounds))

    async def _redrawn(self, drafts: Sequence[Job]) -> Trouble | None:
        """Draw the drafts' message; returns why it could not be, if it could not."""
        shared = next((job for job in drafts if is_on_message(job)), None)
        if shared is None:
            return "message_gone"
        try:
            await self.bot.services.cards.redraw_set(shared)
        except DiscordBusy:
            return "later"
        except DiscordRefused as refused:
            log.info("the card does not show the pick: %s", refused)
            return refused.trouble
        return None


def _numbered(looked: Looked) -> Job | None:
    """Return the draft that is picked."""
    chosen = (job for job in looked.drafts if job.variation is not None and job.variation.number == looked.pick.number)
    return next(chosen, None)
