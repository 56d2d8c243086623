"""Posts notices: short replies to a job's card, or direct messages, each of which pings one member or role."""

import hashlib
import logging
import time
from typing import Any, Literal, TypeAlias

import discord

from bot.cards.channel_queue import ChannelQueue
from bot.cards.direct_message import mail, naming_all, naming_role
from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.poster import NONCE_CHARS_MAX, MayPing, MessageReference
from bot.errors import StorageError
from bot.jobs.model import Job
from bot.jobs.notices import Notice, NoticeBounds, NoticeKind, Told, pings_in_channel
from bot.settings import CardSettings, PingSettings
from bot.storage.transaction import Store
from bot.texts.notices import notice_mail, notice_text

log = logging.getLogger(__name__)
Outcome: TypeAlias = Literal["posted", "later", "refused"]
# discord.py's and Discord's clocks and ours may differ by this much where an earlier try is looked for.
CLOCKS_APART_S = 60.0
LOOK_THROUGH_MAX = 100


class NoticePoster:
    """Posts each notice once, also after a crash between the post and its note in the database."""

    def __init__(self, client: discord.Client, settings: CardSettings, channel_queue: ChannelQueue) -> None:
        self._client = client
        self._settings = settings
        self._channel_queue = channel_queue

    async def post(self, told: Told) -> Outcome:
        """Post the notice, unless an earlier try has; returns what came of it. Never raises for Discord's sake."""
        try:
            if not (told.is_repeat and await self._is_there(told)):
                await (self._mail(told) if told.where == "direct" else self._reply(told))
        except DiscordRefused as refused:
            log.info("a notice about job %s was not posted: %s", told.job.id, refused)
            return "later" if refused.trouble == "later" else "refused"
        return "posted"

    async def _reply(self, told: Told) -> None:
        """Reply to the card; where it was deleted, nobody is told any more."""
        job = told.job
        only = naming_all((job.member_id, *told.others)) if told.role_id is None else naming_role(told.role_id)
        turn = self._channel_queue.turn(job.address.channel_id, "send")
        async with turn, discord_request(self._settings.discord_timeout_s):
            reference: dict[str, Any] = {"reference": MessageReference(job, is_optional=False), "mention_author": False}
            await self._channel(told).send(
                notice_text(told), allowed_mentions=only, nonce=_nonce(told.notice), **reference
            )

    async def _mail(self, told: Told) -> None:
        nobody, text = discord.AllowedMentions.none(), notice_mail(told.notice.kind, told.job)
        async with discord_request(self._settings.discord_timeout_s):
            await mail(self._client, told.job.member_id, text, allowed_mentions=nobody, nonce=_nonce(told.notice))

    async def _is_there(self, told: Told) -> bool:
        """Return whether an earlier try posted it: Discord itself remembers a nonce for minutes only."""
        me = self._client.user
        since = discord.Object(_snowflake(told.notice.at - CLOCKS_APART_S))
        wanted = notice_mail(told.notice.kind, told.job) if told.where == "direct" else notice_text(told)
        async with discord_request(self._settings.discord_timeout_s):
            if told.where == "direct":
                opened = await self._client.http.start_private_message(str(told.job.member_id))
                channel = self._client.get_partial_messageable(int(opened["id"]))
            else:
                channel = self._channel(told)
            async for message in channel.history(limit=LOOK_THROUGH_MAX, after=since, oldest_first=True):
                if message.author == me and message.content == wanted and _is_about(message, told):
                    return True
        return False

    def _channel(self, told: Told) -> discord.PartialMessageable:
        job = told.job
        return self._client.get_partial_messageable(job.address.channel_id, guild_id=job.guild_id or None)


def _is_about(message: discord.Message, told: Told) -> bool:
    """Return whether the message refers to the job's card; a direct message has its link in the text."""
    reference = message.reference
    return told.where == "direct" or (reference is not None and reference.message_id == told.job.address.message_id)


def _snowflake(at: float) -> int:
    """Return the least id of a message of this time (https://discord.com/developers/docs/reference#snowflakes)."""
    return max(0, int(at * 1000) - discord.utils.DISCORD_EPOCH) << 22


def _nonce(notice: Notice) -> str:
    """Return a digest of the notice, which no other message of Wanda has as its nonce."""
    return hashlib.sha256(f"{notice.kind} {notice.job_id}".encode()).hexdigest()[:NONCE_CHARS_MAX]


def bounds_of(settings: PingSettings) -> NoticeBounds:
    """Return the bounds on notices from the settings."""
    return NoticeBounds(
        quick_s=settings.quick_s,
        of_member_hourly_max=settings.of_member_hourly_max,
        approvals_hourly_max=settings.approvals_hourly_max,
        approvals_of_member_hourly_max=settings.approvals_of_member_hourly_max,
        tries_max=settings.tries_max,
        life_s=settings.life_s,
        wait_s=settings.wait_s,
    )


def may_ping_by(store: Store, settings: PingSettings) -> MayPing:
    """Return whether a new message pings the job's member for this; while the database is silent, it does not."""
    bounds = bounds_of(settings)

    async def may_ping(job: Job, kind: NoticeKind) -> bool:
        try:
            return await store.read(pings_in_channel(job, kind, bounds, now=time.time()))
        except StorageError as error:
            log.warning("a message pings nobody, because the database did not answer: %s", error)
            return False

    return may_ping
