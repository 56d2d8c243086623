"""Put a card into the channel, by whichever way Discord still allows, with or without the video."""

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import discord

from bot.cards import routes
from bot.cards.channel_queue import ChannelQueue
from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.embeds import to_embed, to_view
from bot.cards.result_file import Sleep
from bot.cards.routes import Route, Trouble
from bot.errors import DeliveryError, DiscordBusy, TooLarge
from bot.jobs.model import Job
from bot.runner.cards_port import MessageRef
from bot.settings import Settings
from bot.texts.card import Card
from bot.units import MIB

_LOG = logging.getLogger(__name__)
_NOBODY = discord.AllowedMentions.none()
# Where no boost of a server raises it: https://discord.com/developers/docs/reference#uploading-files
UPLOAD_BYTES_MAX = 10 * MIB
NONCE_CHARS_MAX = 25
_LOOK_BACK_MESSAGES = 100
_SENTENCES: dict[Trouble, str] = {
    "no_access": "Wanda may not post in that channel any more; ask an admin to let Wanda view the channel, "
    "send messages and attach files there.",
    "later": "Discord could not be reached or was busy, several times over; Wanda tries again by itself.",
    "broken": "Discord refused the message; tell an admin to look at Wanda's log.",
    "message_gone": "The card was deleted and a new one could not be posted; run the command again.",
    "token_dead": "Discord no longer accepts Wanda's token; tell an admin to check it.",
    "too_old": "The card is too old to change and a new one could not be posted; run the command again.",
    "no_reply": "Wanda may not reply in that channel; ask an admin for Read Message History.",
    "too_large": "Discord refused the file's size.",
}


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What is to be in the message: a card, and on its last change what it says when it must be a new message.

    `file_name` is what people see of `file`. `keep` leaves the message's attachments as they are.
    """

    card: Card
    announcement: str = ""
    file: Path | None = None
    file_name: str = "wanda.mp4"
    keep: bool = False


@dataclass(frozen=True, slots=True)
class MessageReference:
    """A reference to the job's card. Discord's specification has its ids as strings; discord.py's own sends numbers."""

    job: Job

    def to_message_reference_dict(self) -> dict[str, Any]:
        """Return what discord.py sends; a card that was deleted meanwhile is no error."""
        address = self.job.address
        server = {"guild_id": str(self.job.guild_id)} if self.job.guild_id else {}
        card = {"message_id": str(address.message_id), "channel_id": str(address.channel_id)}
        return {**card, **server, "fail_if_not_exists": False}


class Poster:
    """Edits and sends through one client; `now` is in Unix seconds."""

    def __init__(
        self,
        client: discord.Client,
        settings: Settings,
        *,
        now: Callable[[], float],
        turns: ChannelQueue | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._turns = turns or ChannelQueue()
        self._settings = settings
        self._now = now
        self._sleep = sleep

    def route(self, job: Job) -> Route:
        """Return the first way to try for this job's card."""
        return routes.choose(
            job.address,
            self._now(),
            token_margin_s=self._settings.token_margin_s,
            edit_age_max_s=self._settings.edit_age_max_s,
        )

    def limit_bytes(self, job: Job, route: Route) -> int:
        """Return how large a file may be: the interaction's own word while its token serves, else the server's."""
        if route == "token":
            return job.address.size_limit_bytes
        guild = self._client.get_guild(job.guild_id)
        server = guild.filesize_limit if guild is not None else UPLOAD_BYTES_MAX
        return min(job.address.size_limit_bytes, server)

    async def progress(self, job: Job, card: Card) -> bool:
        """Edit the card once, and return whether later edits have a chance. Posts nothing new.

        While others wait for the channel's turn, this state is left out: a video that is ready comes first.

        Raises:
            DeliveryError: not this time.
        """
        route: Route | None = self.route(job)
        while route in {"token", "bot"}:
            if route == "bot" and not self._turns.is_free(job.address.channel_id, "edit"):
                return True
            try:
                await self._edit(job, MessageContent(card, keep=True), route)
            except DiscordRefused as met:
                if met.trouble == "later":
                    raise DeliveryError(_SENTENCES["later"]) from met
                route = routes.after(route, met.trouble)
            else:
                return True
        return False

    async def last(self, job: Job, parcel: MessageContent) -> MessageRef:
        """Put the parcel on the card, or into a new message where the card is gone or too old; the same one again.

        Raises:
            TooLarge: Discord refused the file's size.
            DiscordBusy: Discord said "later" `discord_tries` times.
            DeliveryError: no way led there; the sentence says what an admin can do.
        """
        route, waits = self.route(job), 0
        for _ in range(len(_SENTENCES) + self._settings.discord_tries):
            try:
                return await self._by(route, job, parcel)
            except DiscordRefused as met:
                follow = routes.after(route, met.trouble)
                if met.trouble == "later":
                    waits += 1
                if follow is None or waits >= self._settings.discord_tries:
                    raise _error(met.trouble) from met
                if met.trouble == "later":
                    await self._sleep(self._settings.discord_wait_s * 2 ** (waits - 1))
                route = follow
        raise AssertionError("every way leads to another at most once")

    async def _by(self, route: Route, job: Job, parcel: MessageContent) -> MessageRef:
        if route in {"token", "bot"}:
            await self._edit(job, parcel, route)
            return MessageRef(job.address.channel_id, job.address.message_id)
        place = await self._posted_before(job, parcel) or await self._send(job, parcel, reply=route == "reply")
        if route == "reply":
            await self._settle_old_card(job, parcel)
        return place

    async def _settle_old_card(self, job: Job, parcel: MessageContent) -> None:
        """Take the progress and the button off a card that was replied to; one edit, and no harm if it fails."""
        card = replace(parcel.card, content="The reply to this message says how it ended.", buttons=())
        try:
            await self._edit(job, MessageContent(card), "bot")
        except DiscordRefused as met:
            _LOG.info("the old card of job %s stays as it was: %s", job.id, met)

    async def _edit(self, job: Job, parcel: MessageContent, route: Route) -> None:
        if route == "token":
            await self._edit_by(job, parcel, route)
            return
        async with self._turns.turn(job.address.channel_id, "edit"):
            await self._edit_by(job, parcel, route)

    async def _edit_by(self, job: Job, parcel: MessageContent, route: Route) -> None:
        card, address = parcel.card, job.address
        async with discord_request(self._timeout_s(parcel)):
            with _files(parcel) as files:
                attachments = discord.utils.MISSING if parcel.keep else files
                if route == "token":
                    hook = discord.Webhook.partial(address.application_id, address.token, client=self._client)
                    await hook.edit_message(
                        address.message_id,
                        content=card.content,
                        embed=to_embed(card),
                        view=to_view(card),
                        attachments=attachments,
                        allowed_mentions=_NOBODY,
                    )
                else:
                    await (
                        self._channel(job)
                        .get_partial_message(address.message_id)
                        .edit(
                            content=card.content,
                            embed=to_embed(card),
                            view=to_view(card),
                            attachments=attachments,
                            allowed_mentions=_NOBODY,
                        )
                    )

    async def _send(self, job: Job, parcel: MessageContent, *, reply: bool) -> MessageRef:
        """Post a new message. The nonce is the job's, so that Discord gives a repeat the same message."""
        card = announced(parcel)
        options: dict[str, Any] = {"reference": MessageReference(job), "mention_author": False} if reply else {}
        turn = self._turns.turn(job.address.channel_id, "send")
        async with turn, discord_request(self._timeout_s(parcel)):
            with _files(parcel) as files:
                message: discord.Message = await self._channel(job).send(
                    content=card.content,
                    embed=to_embed(card),
                    files=files,
                    view=to_view(card) or discord.utils.MISSING,
                    nonce=nonce(job),
                    allowed_mentions=_NOBODY,
                    **options,
                )
        return MessageRef(message.channel.id, message.id)

    async def _posted_before(self, job: Job, parcel: MessageContent) -> MessageRef | None:
        """Return the message that an earlier run posted for this state: a nonce is only remembered for minutes."""
        if self._client.user is None:
            return None
        me, footer = self._client.user.id, parcel.card.footer
        try:
            async with discord_request(self._settings.discord_timeout_s):
                async for message in self._channel(job).history(
                    limit=_LOOK_BACK_MESSAGES, after=discord.Object(job.address.message_id), oldest_first=True
                ):
                    shown = [embed.footer.text for embed in message.embeds]
                    if message.author.id == me and footer in shown and bool(message.attachments) == bool(parcel.file):
                        return MessageRef(message.channel.id, message.id)
        except DiscordRefused as met:
            _LOG.info("could not look for an earlier message of job %s: %s", job.id, met)
        return None

    def _channel(self, job: Job) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(job.address.channel_id, guild_id=job.guild_id or None)

    def _timeout_s(self, parcel: MessageContent) -> float:
        return self._settings.discord_timeout_s if parcel.file is None else self._settings.upload_timeout_s


@contextmanager
def _files(parcel: MessageContent) -> Generator[list[discord.File]]:
    """Open the parcel's file for one request: discord.py reads it from disk in pieces as it is sent."""
    if parcel.file is None:
        yield []
        return
    file = discord.File(parcel.file, filename=parcel.file_name)
    try:
        yield [file]
    finally:
        file.close()


def announced(parcel: MessageContent) -> Card:
    """Return the card as a new message says it: whose it is in words that notify nobody, then what it said anyway."""
    content = " ".join(part for part in (parcel.announcement, parcel.card.content) if part)
    return replace(parcel.card, content=content or None)


def nonce(job: Job) -> str:
    """Return the same 25 characters for the same job in the same state."""
    return f"{job.state[0]}{job.id}"[:NONCE_CHARS_MAX]


def _error(met: Trouble) -> DeliveryError:
    kinds: dict[Trouble, type[DeliveryError]] = {"too_large": TooLarge, "later": DiscordBusy}
    return kinds.get(met, DeliveryError)(_SENTENCES[met])
