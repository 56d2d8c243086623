"""Puts a card into its channel by whichever route Discord still allows, with or without the video."""

import asyncio
import io
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

import discord

from bot.card_style import CardStyle
from bot.cards import routes
from bot.cards.channel_queue import ChannelQueue
from bot.cards.direct_message import mail, naming
from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.embeds import to_embed, to_view
from bot.cards.layouts import files_of, is_card_of, shows_video, to_layout
from bot.cards.pacer import EditOutcome
from bot.cards.result_file import Sleep
from bot.cards.routes import Route, Trouble
from bot.cards.video_file import close_file, open_video
from bot.errors import CardGone, DeliveryError, DiscordBusy, FilesUnavailable, Forbidden, TooLarge
from bot.files.files import Files
from bot.jobs.model import Job
from bot.jobs.notices import NoticeKind
from bot.net.arrival import Arrival
from bot.runner.cards_port import MessageRef
from bot.settings import CardSettings
from bot.texts.card import FILE, JobCard, Media
from bot.texts.classic_card import classic_card, footer
from bot.texts.result_link import LINK_FILE
from bot.units import MIB

MayPing: TypeAlias = Callable[[Job, NoticeKind], Awaitable[bool]]
_LOG = logging.getLogger(__name__)
_NOBODY = discord.AllowedMentions.none()
# Where no boost of a server raises it: https://discord.com/developers/docs/reference#uploading-files
UPLOAD_BYTES_MAX = 10 * MIB
NONCE_CHARS_MAX = 25
_LOOK_BACK_MESSAGES = 100
_PREVIEWED_MAX = 5000  # cards that are known to have their previews; others get them again
_SENTENCES: dict[Trouble, str] = {
    "no_access": "Wanda can't post in that channel any more. Ask an admin to let Wanda view the channel, send "
    "messages and "
    "attach files there.",
    "later": "Discord is busy. Wanda tries again by itself.",
    "broken": "Discord didn't take the message. Ask an admin to look at Wanda's log.",
    "message_gone": "The card was deleted, and a new one couldn't be posted. Run the command again.",
    "token_dead": "Discord no longer takes Wanda's token. Ask an admin to check it.",
    "too_old": "The card is too old to change, and a new one couldn't be posted. Run the command again.",
    "no_reply": "Wanda can't reply in that channel. Ask an admin for Read Message History.",
    "too_large": "Discord refused the file's size.",
}


@dataclass(frozen=True, slots=True)
class MessageContent:
    """A card and its file. A new message says `announcement` above the card; an edit does not.

    `file_name` is the name that people see; a file that is not whole yet has an `arrival`. `previews` are pictures that
    the card shows, with their names. `keep` leaves the message's attachments as they are, and `beside` are the ids of
    those that stay beside the file. Of a message that several jobs have in common only those named in `stay` do; None
    for all. `note` is the content of a text file, for what is too long for a message. `tells` is what a new message
    pings the job's member for.
    """

    card: JobCard
    announcement: str = ""
    file: Path | None = None
    file_name: str = "wanda.mp4"
    arrival: Arrival[Any] | None = None
    previews: tuple[tuple[Path, str], ...] = ()
    keep: bool = False
    beside: tuple[int, ...] = ()
    stay: frozenset[str] | None = None
    note: str = ""
    tells: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class MessageReference:
    """A reference to the job's card. Discord's specification has its ids as strings; discord.py's own sends numbers.

    With `is_optional` a card that was deleted meanwhile is no error.
    """

    job: Job
    is_optional: bool = True

    def to_message_reference_dict(self) -> dict[str, Any]:
        """Return what discord.py sends."""
        address = self.job.address
        server = {"guild_id": str(self.job.guild_id)} if self.job.guild_id else {}
        card = {"message_id": str(address.message_id), "channel_id": str(address.channel_id)}
        return {**card, **server, "fail_if_not_exists": not self.is_optional}


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that an edited message keeps, by its id alone. discord.py would also send what it knows of it."""

    id: int

    def to_dict(self) -> dict[str, Any]:
        """Return what discord.py sends (https://discord.com/developers/docs/reference#attachments)."""
        return {"id": str(self.id)}


class Poster:
    """`now` is in Unix seconds. `may_ping` says whether a new message that tells this pings the job's member."""

    def __init__(
        self,
        client: discord.Client,
        settings: CardSettings,
        *,
        upload_timeout_s: float,
        now: Callable[[], float],
        files: Files,
        channel_queue: ChannelQueue | None = None,
        sleep: Sleep = asyncio.sleep,
        may_ping: MayPing | None = None,
    ) -> None:
        self._client = client
        self._may_ping = may_ping
        self._files = files
        self._previewed: OrderedDict[str, tuple[Media, ...]] = OrderedDict()  # what the cards of jobs have
        self._channel_queue = channel_queue or ChannelQueue()
        self._settings = settings
        self._upload_timeout_s = upload_timeout_s
        self._now = now
        self._sleep = sleep

    def route(self, job: Job) -> Route:
        """Return the first route to try for this job's card."""
        return routes.choose(
            job.address,
            self._now(),
            token_margin_s=self._settings.token_margin_s,
            edit_age_max_s=self._settings.edit_age_max_s,
        )

    def limit_bytes(self, job: Job, route: Route) -> int:
        """Return how large a file may be: the interaction's limit while its token is valid, else the server's too."""
        if route == "token":
            return job.address.size_limit_bytes
        guild = self._client.get_guild(job.guild_id)
        server = guild.filesize_limit if guild is not None else UPLOAD_BYTES_MAX
        return min(job.address.size_limit_bytes, server)

    async def progress(self, job: Job, card: JobCard) -> EditOutcome:
        """Edit the card once, never post a new message.

        The edit is skipped while others wait in the channel's queue: a video that is ready comes first.

        Raises:
            DeliveryError: this edit failed; a later one may not.
        """
        route: Route | None = self.route(job)
        while route in {"token", "bot"}:
            if route == "bot" and not self._channel_queue.is_free(job.address.channel_id, "edit"):
                return "skipped"
            try:
                content = await self._with_previews(job, card)
                await self._edit(job, content, route)
            except DiscordRefused as refused:
                is_later = refused.trouble == "later"
                route = routes.worn_out(route) if is_later else routes.after(route, refused.trouble)
                if is_later and route is None:
                    raise DeliveryError(_SENTENCES["later"]) from refused
            else:
                self._remember_previews(job, content.card.media)
                return "edited"
        return "gone"

    async def _with_previews(self, job: Job, card: JobCard, *, anew: bool = False) -> MessageContent:
        """Return the card with the previews that are kept.

        The first message with them, and one that is made `anew`, brings them; later edits keep them.
        """
        if job.address.style == "classic" or not any(item.what == "preview" for item in card.media):
            return MessageContent(replace(card, media=_videos(card)), keep=True)
        if job.id in self._previewed and not anew:
            return MessageContent(replace(card, media=self._previewed[job.id]), keep=True)
        found = [(item, path) for item in card.media if (path := await self._preview(job, item)) is not None]
        previews = tuple((path, item.source.removeprefix(FILE)) for item, path in found)
        media = tuple(item for item, _ in found)
        return MessageContent(replace(card, media=media), previews=previews, keep=not previews)

    async def _preview(self, job: Job, item: Media) -> Path | None:
        try:
            async with asyncio.timeout(self._settings.discord_timeout_s):
                return await self._files.fetch(item.path, job.requester)
        except OSError:  # it is not kept any more, or takes longer than an edit may
            return None
        except FilesUnavailable as error:
            _LOG.warning("a preview is left out: %s", error)
            return None

    def _remember_previews(self, job: Job, media: tuple[Media, ...]) -> None:
        self._previewed[job.id] = media
        while len(self._previewed) > _PREVIEWED_MAX:
            self._previewed.popitem(last=False)

    async def last(self, job: Job, content: MessageContent, *, anew: bool = True) -> MessageRef:
        """Edit the card, or post a new message if the card is gone or too old. Repeating the call reuses that message.

        Without `anew` a card that was deleted is not replaced. A file that is not whole yet is tried once.

        Raises:
            TooLarge: Discord refused the file's size.
            Forbidden: Wanda may not post there any more, or there is no such place.
            CardGone: the card was deleted, and `anew` is false.
            DiscordBusy: Discord said "later" `discord_tries` times by the last route.
            DeliveryError: every route failed; the sentence says what an admin can do.
        """
        if any(item.what == "preview" for item in content.card.media):
            shown = await self._with_previews(job, content.card, anew=True)
            content = replace(content, card=shown.card, previews=shown.previews, keep=shown.keep)
        self._previewed.pop(job.id, None)  # most often nothing follows, and an edit that does brings them again
        route, waits = self.route(job), 0
        for _ in range(len(get_args(Route)) * self._settings.discord_tries):
            try:
                if route == "reply" and not anew:
                    await self._check_card_is_there(job)
                return await self._by(route, job, content)
            except DiscordRefused as refused:
                if refused.trouble == "message_gone" and not anew:
                    raise CardGone(_SENTENCES["message_gone"]) from refused
                waits += refused.trouble == "later"
                follow = None if content.arrival else await self._next(route, refused.trouble, waits)
                if follow is None:
                    raise _error(refused.trouble) from refused
                route, waits = follow, waits if follow == route else 0
        raise AssertionError("a route follows another at most once")

    async def _next(self, route: Route, trouble: Trouble, waits: int) -> Route | None:
        """Return the route to try next, after a rest where Discord said "later", `waits` times by now."""
        if trouble != "later":
            return routes.after(route, trouble)
        if waits >= self._settings.discord_tries:
            return routes.worn_out(route)
        await self._sleep(self._settings.discord_wait_s * 2 ** (waits - 1))
        return route

    async def _check_card_is_there(self, job: Job) -> None:
        """Raise DiscordRefused if the card was deleted: Discord takes a reply to it all the same, as asked."""
        async with discord_request(self._settings.discord_timeout_s):
            await self._channel(job).get_partial_message(job.address.message_id).fetch()

    async def _by(self, route: Route, job: Job, content: MessageContent) -> MessageRef:
        if route in {"token", "bot"}:
            await self._edit(job, content, route)
            return MessageRef(job.address.channel_id, job.address.message_id)
        place = await self._posted_before(job, content) or await self._send(job, content, reply=route == "reply")
        if route == "reply":
            await self._settle_old_card(job, content)
        return place

    async def share(self, job: Job, content: MessageContent) -> bool:
        """Edit the message that a job has in common with others: its files stay, and `content.file` is added.

        A file of the same name that is there already is not sent again, so repeating the call changes nothing. Returns
        False if the message is gone, or Wanda can edit it no more.

        Raises:
            TooLarge: Discord refused the file's size.
            DiscordBusy: Discord said "later" `discord_tries` times by the last route.
            DeliveryError: Discord will never take it.
        """
        route: Route | None = self.route(job)
        route, waits = "token" if route == "token" else "bot", 0
        while route in {"token", "bot"}:
            try:
                await self._share_by(job, content, route)
            except DiscordRefused as refused:
                waits += refused.trouble == "later"
                follow = await self._next(route, refused.trouble, waits)
                if follow is None:
                    raise _error(refused.trouble) from refused
                route, waits = follow, waits if follow == route else 0
            else:
                return True
        return False

    async def _share_by(self, job: Job, content: MessageContent, route: Route) -> None:
        there = await self._attached(job, route)
        if content.stay is not None:
            there = {one: name for one, name in there.items() if name in content.stay}
        if content.file is not None and content.file_name in there.values():
            content = replace(content, file=None)
        await self._edit(job, replace(content, beside=tuple(there)), route)

    async def _attached(self, job: Job, route: Route) -> dict[int, str]:
        address = job.address
        async with discord_request(self._settings.discord_timeout_s):
            if route == "token":
                hook = discord.Webhook.partial(address.application_id, address.token, client=self._client)
                return files_of(await hook.fetch_message(address.message_id))
            return files_of(await self._channel(job).get_partial_message(address.message_id).fetch())

    async def alone(self, job: Job, content: MessageContent) -> MessageRef:
        """Post a message of the job's own that replies to the one it had in common with others, which stays as it is.

        Raises:
            TooLarge: Discord refused the file's size.
            Forbidden: Wanda may not post there any more, or there is no such place.
            DiscordBusy: Discord said "later".
            DeliveryError: Discord refused it for another reason.
        """
        for is_reply in (True, False):
            try:
                return await self._posted_before(job, content) or await self._send(job, content, reply=is_reply)
            except DiscordRefused as refused:
                if not is_reply or refused.trouble not in {"message_gone", "no_reply"}:
                    raise _error(refused.trouble) from refused
        raise AssertionError("the second try returns or raises")

    async def redraw(self, job: Job, card: JobCard) -> None:
        """Edit a finished card with the bot's token, once; its files stay.

        Raises:
            DiscordRefused: Discord did not take it.
        """
        await self._edit(job, MessageContent(card, keep=True), "bot")

    async def mail(self, job: Job, content: MessageContent) -> MessageRef:
        """Send the job's member a direct message. Repeating the call within minutes sends no second one.

        Raises:
            TooLarge: Discord refused the file's size.
            Forbidden: the member takes no direct messages of Wanda.
            DiscordBusy: Discord said "later" `discord_tries` times.
            DeliveryError: Discord refused it for another reason.
        """
        for attempt in range(self._settings.discord_tries):
            if attempt:
                await self._sleep(self._settings.discord_wait_s * 2 ** (attempt - 1))
            try:
                return await self._mail(job, content)
            except DiscordRefused as refused:
                if refused.trouble != "later":
                    raise _error(refused.trouble) from refused
        raise DiscordBusy(_SENTENCES["later"])

    async def _mail(self, job: Job, content: MessageContent) -> MessageRef:
        card = announced(content)
        async with discord_request(self._timeout_s(content)):
            with _files(content) as files:
                message = await mail(
                    self._client,
                    job.member_id,
                    **_new(card, job.address.style),
                    files=files,
                    nonce=nonce(job, has_file=content.file is not None),
                    allowed_mentions=_NOBODY,
                )
        return MessageRef(message.channel.id, message.id)

    async def _settle_old_card(self, job: Job, content: MessageContent) -> None:
        """Remove progress and buttons from a card that was replied to; one try, failures are only logged."""
        above = "The reply to this message says how it went."
        card = replace(content.card, above=above, media=(), parts=(), files=(), buttons=())
        try:
            await self._edit(job, MessageContent(card), "bot")
        except DiscordRefused as refused:
            _LOG.info("the old card of job %s stays as it was: %s", job.id, refused)

    async def _edit(self, job: Job, content: MessageContent, route: Route) -> None:
        if route == "token":
            await self._edit_by(job, content, route)
            return
        async with self._channel_queue.turn(job.address.channel_id, "edit"):
            await self._edit_by(job, content, route)

    async def _edit_by(self, job: Job, content: MessageContent, route: Route) -> None:
        card, address = content.card, job.address
        async with discord_request(self._timeout_s(content)):
            with _files(content) as files:
                stay: list[Any] = [KeptFile(one) for one in content.beside]
                attachments = discord.utils.MISSING if content.keep else [*stay, *files]
                if route == "token":
                    hook = discord.Webhook.partial(address.application_id, address.token, client=self._client)
                    await hook.edit_message(
                        address.message_id,
                        **_whole(card, address.style),
                        attachments=attachments,
                        allowed_mentions=_NOBODY,
                    )
                else:
                    await (
                        self._channel(job)
                        .get_partial_message(address.message_id)
                        .edit(
                            **_whole(card, address.style),
                            attachments=attachments,
                            allowed_mentions=_NOBODY,
                        )
                    )

    async def _send(self, job: Job, content: MessageContent, *, reply: bool) -> MessageRef:
        """Post a new message. Its nonce is the job's, so that a repeat returns the same message."""
        card = announced(content)
        options: dict[str, Any] = {"reference": MessageReference(job), "mention_author": False} if reply else {}
        pinged = naming(job.member_id) if await self._pings(job, content) else _NOBODY
        turn = self._channel_queue.turn(job.address.channel_id, "send")
        async with turn, discord_request(self._timeout_s(content)):
            with _files(content) as files:
                message: discord.Message = await self._channel(job).send(
                    **_new(card, job.address.style),
                    files=files,
                    nonce=nonce(job, has_file=content.file is not None),
                    allowed_mentions=pinged,
                    **options,
                )
        return MessageRef(message.channel.id, message.id)

    async def _pings(self, job: Job, content: MessageContent) -> bool:
        return content.tells is not None and self._may_ping is not None and await self._may_ping(job, content.tells)

    async def _posted_before(self, job: Job, content: MessageContent) -> MessageRef | None:
        """Return the message that an earlier try posted: Discord remembers a nonce for minutes only."""
        if self._client.user is None:
            return None
        me = self._client.user.id
        try:
            async with discord_request(self._settings.discord_timeout_s):
                async for message in self._channel(job).history(
                    limit=_LOOK_BACK_MESSAGES, after=discord.Object(job.address.message_id), oldest_first=True
                ):
                    is_it = message.author.id == me and _is_card(message, job)
                    if is_it and _has_video(message, job) == bool(content.file):
                        return MessageRef(message.channel.id, message.id)
        except DiscordRefused as refused:
            _LOG.info("could not look for an earlier message of job %s: %s", job.id, refused)
        return None

    def _channel(self, job: Job) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(job.address.channel_id, guild_id=job.guild_id or None)

    def _timeout_s(self, content: MessageContent) -> float:
        return self._settings.discord_timeout_s if content.file is None else self._upload_timeout_s


@contextmanager
def _files(content: MessageContent) -> Generator[list[discord.File]]:
    """Open the files for one request; discord.py sends the video from disk in pieces."""
    video = content.file
    files = [] if video is None else [open_video(video, name=content.file_name, arrival=content.arrival)]
    files += [discord.File(path, filename=name) for path, name in content.previews]
    if content.note:
        files.append(discord.File(io.BytesIO(content.note.encode()), filename=LINK_FILE))
    try:
        yield files
    finally:
        for file in files:
            close_file(file)


def _videos(card: JobCard) -> tuple[Media, ...]:
    """Return the videos that the message has already: of several jobs some may be done."""
    return tuple(item for item in card.media if item.what == "video")


def _whole(card: JobCard, style: CardStyle) -> dict[str, Any]:
    """Return what an edit sends for a whole message. One of components takes the place of any text and embed."""
    if style == "components":
        return {"content": None, "embed": None, "view": to_layout(card)}
    shown = classic_card(card)
    return {"content": shown.content, "embed": to_embed(shown), "view": to_view(shown)}


def _new(card: JobCard, style: CardStyle) -> dict[str, Any]:
    """Return what a new message sends."""
    return {name: part for name, part in _whole(card, style).items() if part is not None}


def _is_card(message: discord.Message, job: Job) -> bool:
    if job.address.style == "components":
        return is_card_of(message, job.id)
    return any((embed.footer.text or "").endswith(footer(job.id)) for embed in message.embeds)


def _has_video(message: discord.Message, job: Job) -> bool:
    if job.address.style == "components":
        return shows_video(message)
    return any(file.filename != LINK_FILE for file in message.attachments)


def announced(content: MessageContent) -> JobCard:
    """Return the card of a new message: the announcement above what the card says."""
    words = " ".join(part for part in (content.announcement, content.card.above) if part)
    return replace(content.card, above=words)


def nonce(job: Job, *, has_file: bool) -> str:
    """Return the nonce of a job in its state, and another one with its video; Discord allows 25 characters."""
    return f"{'v' if has_file else job.state[0]}{job.id}"[:NONCE_CHARS_MAX]


def _error(trouble: Trouble) -> DeliveryError:
    kinds: dict[Trouble, type[DeliveryError]] = {
        "too_large": TooLarge,
        "later": DiscordBusy,
        "no_access": Forbidden,
        "too_old": Forbidden,
        "no_reply": Forbidden,
    }
    return kinds.get(trouble, DeliveryError)(_SENTENCES[trouble])
