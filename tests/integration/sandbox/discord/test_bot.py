"""A real discord.py client works with the Discord stand-in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands, ui

from sandbox.discord import DiscordSandbox
from sandbox.discord.session import Intent
from tests.support.discord_client import (
    PNG,
    Bot,
    DiscordControl,
    file_of,
    quiet_intents,
    redirect_discord_py,
    running_bot,
    video,
    wait_until,
)


@pytest.fixture
async def control(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordControl]:
    """A fresh sandbox that discord.py is pointed at."""
    # These clients identify again at once, and would do so in a loop until Discord's five seconds are over.
    async with (
        DiscordSandbox(seed=1, is_strict=True, identify_interval_s=0.01) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        redirect_discord_py(sandbox, monkeypatch)
        yield DiscordControl(sandbox, session)


def with_command(bot: Bot, callback: Any) -> Bot:
    """The bot with one more slash command."""
    bot.tree.add_command(app_commands.Command(name=callback.__name__, description="A test.", callback=callback))
    return bot


async def test_an_attached_file_reaches_the_bot_and_its_upload_reaches_the_channel(control: DiscordControl) -> None:
    """A slash command's file can be downloaded by the bot, and what the bot uploads by everyone."""
    seen: list[Any] = []
    film = bytes(range(256)) * 4096

    async def make(interaction: discord.Interaction, prompt: str, image: discord.Attachment, seconds: int = 5) -> None:
        answer = await interaction.response.defer(thinking=True)
        seen.extend([answer and answer.message_id, await image.read(), prompt, seconds, interaction.filesize_limit])
        await interaction.edit_original_response(content="Half way")
        await interaction.edit_original_response(content="Done", attachments=[video(film)])

    async with running_bot(with_command(Bot(quiet_intents()), make), control.sandbox):
        options = {"prompt": "a boat", "seconds": "7"}
        sent = await control.order(
            "slash", user="maker", command="make", options=options, files={"image": file_of(PNG)}
        )
        assert sent["acknowledged"]
        assert sent["content"] is None
        assert sent["ephemeral"] is False
        done = await control.message(sent["message_id"], lambda m: m["attachments"])
        assert seen == [int(sent["message_id"]), PNG, "a boat", 7, 10 * 1024 * 1024]
        assert (done["content"], done["author"], done["edits"]) == ("Done", "Wanda", 2)
        async with control.session.get(done["attachments"][0]["url"]) as response:
            assert await response.read() == film
        half = {"Range": "bytes=100-199"}
        async with control.session.get(done["attachments"][0]["url"], headers=half) as response:
            assert (response.status, await response.read()) == (206, film[100:200])


async def test_an_ephemeral_answer_is_seen_by_its_person_only(control: DiscordControl) -> None:
    """An ephemeral message exists for the person it was made for, and for nobody else, the bot's token included."""

    async def whisper(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Only you", ephemeral=True)

    async with running_bot(with_command(Bot(quiet_intents()), whisper), control.sandbox):
        sent = await control.order("slash", user="maker", channel="general", command="whisper")
        assert (sent["ephemeral"], sent["content"]) == (True, "Only you")
        seen = await control.messages(**{"channel": "general", "as": "maker"})
        assert [m["ephemeral_for"] for m in seen] == ["maker"]
        assert await control.messages(**{"channel": "general", "as": "friend"}) == []
        path = f"/channels/{seen[0]['channel_id']}/messages/{sent['message_id']}"
        assert await control.rest("PATCH", path, json={"content": "x"}) == (
            404,
            {"message": "Unknown Message", "code": 10008},
        )
        await control.order("click", 400, user="friend", message=sent["message_id"], label="x")


async def test_the_first_follow_up_fills_the_thinking_message(control: DiscordControl) -> None:
    """A follow-up to a deferred response edits it and takes its ephemerality; the next one stands for itself."""

    async def think(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        first = await interaction.followup.send("First", wait=True)
        await interaction.followup.send("Second", wait=True)
        await interaction.followup.send(f"{first.id}", wait=True, ephemeral=True)

    async with running_bot(with_command(Bot(quiet_intents()), think), control.sandbox):
        sent = await control.order("slash", user="maker", channel="general", command="think")
        seen = await control.channel(lambda found: len(found) == 3, **{"as": "maker"})
        assert [m["content"] for m in seen] == ["First", "Second", sent["message_id"]]
        assert [m["ephemeral_for"] for m in seen] == ["maker", None, "maker"]


async def test_after_the_original_is_deleted_a_follow_up_has_its_own_flags(control: DiscordControl) -> None:
    """Deleting the deferred message frees the follow-ups from its ephemerality."""

    async def swap(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.delete_original_response()
        await interaction.followup.send("For all", wait=True)

    async with running_bot(with_command(Bot(quiet_intents()), swap), control.sandbox):
        await control.order("slash", user="maker", channel="general", command="swap")
        await control.channel(lambda found: [m["content"] for m in found] == ["For all"], **{"as": "friend"})


class Details(ui.Modal, title="Details"):
    """A form with one field of several sorts."""

    def __init__(self, got: list[Any]) -> None:
        super().__init__(custom_id="details", timeout=30)
        self.got = got
        sizes = [discord.SelectOption(label=size) for size in ("720p", "1080p")]
        self.prompt: ui.TextInput[Any] = ui.TextInput(custom_id="prompt", max_length=20)
        self.size: ui.Select[Any] = ui.Select(custom_id="size", options=sizes)
        self.still: ui.FileUpload[Any] = ui.FileUpload(custom_id="still", required=False)
        self.add_item(ui.Label(text="Prompt", component=self.prompt))
        self.add_item(ui.Label(text="Size", component=self.size))
        self.add_item(ui.Label(text="Still", component=self.still))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Keep what was filled in and answer in place of the message."""
        self.got.extend([self.prompt.value, self.size.values, self.still.values])
        await interaction.response.edit_message(content="Changed", view=None)


async def test_a_button_opens_a_modal_whose_submit_edits_the_message(control: DiscordControl) -> None:
    """Click, modal and submit carry the message, the fields and the files; disabled buttons cannot be clicked."""
    got: list[Any] = []

    async def card(interaction: discord.Interaction) -> None:
        view = ui.View(timeout=30)
        button: ui.Button[ui.View] = ui.Button(label="Change", custom_id="change")

        async def clicked(interaction: discord.Interaction) -> None:
            await interaction.response.send_modal(Details(got))

        button.callback = clicked
        view.add_item(button)
        view.add_item(ui.Button(label="Not yet", disabled=True))
        await interaction.response.send_message("Card", view=view)

    async with running_bot(with_command(Bot(quiet_intents()), card), control.sandbox):
        sent = await control.order("slash", user="maker", channel="general", command="card")
        refused = await control.order("click", 400, user="maker", message=sent["message_id"], label="Not yet")
        assert refused["error"] == "Not yet is disabled."
        opened = await control.order("click", user="friend", message=sent["message_id"], label="Change")
        assert [(f["custom_id"], f["label"]) for f in opened["modal"]["fields"]] == [
            ("prompt", "Prompt"),
            ("size", "Size"),
            ("still", "Still"),
        ]
        form = {"user": "friend", "modal": opened["modal"]["id"]}
        too_long = await control.order("submit", 400, **form, fields={"prompt": "x" * 21, "size": "720p"})
        assert "at most 20 characters" in too_long["error"]
        done = await control.order(
            "submit", **form, fields={"Prompt": "a boat", "size": "720p"}, files={"still": file_of(PNG)}
        )
        assert (done["message_id"], done["content"]) == (sent["message_id"], "Changed")
        assert got[:2] == ["a boat", ["720p"]]
        assert await got[2][0].read() == PNG
        assert (await control.message(sent["message_id"]))["components"] == []


async def test_reactions_come_only_with_their_intent_and_name_the_author(control: DiscordControl) -> None:
    """A raw reaction carries the message's author; a session without the intent hears nothing."""

    async def card(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Card")
        await (await interaction.original_response()).add_reaction("🔁")

    deaf = Bot(discord.Intents(guilds=True))
    control.sandbox.core.gateway.shard_rules.closes_older_session = False
    async with (
        running_bot(with_command(Bot(quiet_intents()), card), control.sandbox) as bot,
        running_bot(deaf, control.sandbox),
    ):
        # Syncing the second bot's empty tree removed the command of the first.
        await bot.tree.sync()
        sent = await control.order("slash", user="maker", channel="general", command="card")
        await control.message(sent["message_id"], lambda m: m["reactions"])
        await control.order("react", user="friend", message=sent["message_id"], emoji="🔁")
        await wait_until(lambda: len(bot.reactions) == 2)
        last = bot.reactions[-1]
        assert bot.user is not None
        assert (str(last.emoji), last.message_author_id, last.member and last.member.name) == (
            "🔁",
            bot.user.id,
            "friend",
        )
        await control.order("unreact", user="friend", message=sent["message_id"], emoji="🔁")
        shown = await control.message(sent["message_id"])
        assert shown["reactions"] == [{"emoji": "🔁", "users": ["Wanda"]}]
        assert deaf.reactions == []


@pytest.mark.parametrize("action", ["reconnect", "cut", "invalidate", "invalidate_resumable"])
async def test_a_session_survives_a_lost_line(control: DiscordControl, action: str) -> None:
    """After a lost line the client comes back; when the session was kept, it hears what it missed."""

    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong")

    async with running_bot(with_command(Bot(quiet_intents()), ping), control.sandbox) as bot:
        message = (await control.order("say", user="maker", content="hello"))["id"]
        await control.order("gateway", action=action)
        await control.order("react", user="maker", message=message, emoji="👍")
        if action != "invalidate":
            await wait_until(lambda: bot.resumes and bot.reactions)
        await wait_until(control.sandbox.core.gateway.connected_shards)
        assert (await control.order("slash", user="maker", command="ping"))["acknowledged"]


async def test_what_people_say_is_hidden_without_the_content_intent(control: DiscordControl) -> None:
    """MESSAGE_CREATE needs its intent, and a person's words the privileged one, which the portal must allow."""
    asks = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
    async with running_bot(Bot(asks), control.sandbox) as bot:
        await control.order("say", user="maker", channel="general", content="secret", files=[file_of(PNG)])
        await control.order("say", user="maker", channel="@maker", content="to you")
        await wait_until(lambda: len(bot.said) == 2)
        assert [(m.content, len(m.attachments)) for m in bot.said] == [("", 0), ("to you", 0)]
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running_bot(Bot(asks | discord.Intents(message_content=True)), control.sandbox):
            pass


async def test_the_portal_can_allow_the_content_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the privileged intent allowed and asked for, words arrive."""
    async with (
        DiscordSandbox(privileged=Intent.MESSAGE_CONTENT) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        redirect_discord_py(sandbox, monkeypatch)
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=True)
        async with running_bot(Bot(intents), sandbox) as bot:
            await DiscordControl(sandbox, session).order("say", user="maker", content="open")
            await wait_until(lambda: bot.said)
            assert bot.said[0].content == "open"


async def test_a_context_menu_gets_the_message_with_its_attachments(control: DiscordControl) -> None:
    """A message menu needs no content intent to see the message it was used on."""
    seen: list[Any] = []

    async def use(interaction: discord.Interaction, message: discord.Message) -> None:
        seen.extend([message.content, await message.attachments[0].read()])
        await interaction.response.send_message("Got it", ephemeral=True)

    bot = Bot(quiet_intents())
    bot.tree.add_command(app_commands.ContextMenu(name="Film this", callback=use))
    async with running_bot(bot, control.sandbox):
        said = await control.order("say", user="friend", content="look", files=[file_of(PNG)])
        sent = await control.order("menu", user="maker", message=said["id"], command="Film this")
        assert (sent["content"], sent["ephemeral"]) == ("Got it", True)
        assert seen == ["look", PNG]


async def test_a_dm_carries_messages_replies_and_nonces(control: DiscordControl) -> None:
    """The bot can write to a person, reply there, and a repeated nonce posts nothing twice."""
    async with running_bot(Bot(quiet_intents()), control.sandbox) as bot:
        user = await bot.fetch_user(control.sandbox.core.world.people["maker"].id)
        first = await user.send("Hello", nonce=77)
        again = await user.send("Hello", nonce=77)
        assert first.id == again.id
        await first.reply("And again", file=video(b"film"))
        seen = await control.messages(**{"channel": "@maker", "as": "maker"})
        assert [(m["content"], m["reference"]) for m in seen] == [("Hello", None), ("And again", str(first.id))]


async def test_a_layout_message_shows_its_files(control: DiscordControl) -> None:
    """Components V2 come back complete, with links in place of attachment names."""

    async def again(interaction: discord.Interaction) -> None:
        await interaction.response.defer()

    async def gallery(interaction: discord.Interaction) -> None:
        view = ui.LayoutView()
        gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery(discord.MediaGalleryItem("attachment://video.mp4"))
        view.add_item(ui.Container(ui.TextDisplay("Your film"), gallery, ui.Separator()))
        button: ui.Button[ui.LayoutView] = ui.Button(label="Again", custom_id="again")
        button.callback = again
        view.add_item(ui.Section("Seed 7", accessory=button))
        await interaction.response.send_message(view=view, file=video(b"film"))

    async with running_bot(with_command(Bot(quiet_intents()), gallery), control.sandbox):
        sent = await control.order("slash", user="maker", command="gallery")
        shown = await control.message(sent["message_id"])
        media = shown["components"][0]["components"][1]["items"][0]["media"]
        async with control.session.get(media["url"]) as response:
            assert await response.read() == b"film"
        clicked = await control.order("click", user="maker", message=sent["message_id"], label="Again")
        assert (clicked["acknowledged"], clicked["message_id"]) == (True, sent["message_id"])


async def test_many_commands_at_once_are_all_answered(control: DiscordControl) -> None:
    """Two hundred commands sent at once are acknowledged in time by a bot in the same process."""

    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)

    async with running_bot(with_command(Bot(quiet_intents()), ping), control.sandbox):
        orders = (control.order("slash", user="maker", channel="general", command="ping") for _ in range(200))
        assert all(sent["acknowledged"] for sent in await asyncio.gather(*orders))
