"""The bases of all cogs: commands, buttons and background loops that live from loading to unloading."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, TypeAlias

from discord import app_commands
from discord.ext import commands

from bot.catalogue.picker import Picker
from bot.client import Wanda
from bot.sharding import Shards
from bot.tasks import end
from cogs.base.component import PersistentButton, PersistentSelect

TreeCommand: TypeAlias = app_commands.Group | app_commands.Command[Any, ..., Any] | app_commands.ContextMenu


class FeatureCog(commands.Cog):
    """A subclass names its commands, buttons and selects; loading adds them to the client, and unloading removes them.

    `make_commands` returns new objects each time, so that two clients in one process share none.
    """

    buttons: ClassVar[tuple[type[PersistentButton], ...]] = ()
    selects: ClassVar[tuple[type[PersistentSelect], ...]] = ()

    def __init__(self, bot: Wanda) -> None:
        self.bot = bot
        self._tree_commands = tuple(self.commands_with(bot.services.picker))

    @staticmethod
    def make_commands() -> Sequence[TreeCommand]:
        """Return the top-level commands, groups and menus."""
        return ()

    @classmethod
    def commands_with(cls, picker: Picker) -> Sequence[TreeCommand]:
        """Return the same for this operator's prices; cogs whose commands state prices override this one instead."""
        del picker
        return cls.make_commands()

    async def cog_load(self) -> None:
        """Add the commands to the tree and start answering the buttons and selects."""
        for command in self._tree_commands:
            self.bot.tree.add_command(command)
        self.bot.add_dynamic_items(*self.buttons, *self.selects)

    async def cog_unload(self) -> None:
        """Remove the commands, buttons and selects."""
        for command in self._tree_commands:
            if isinstance(command, app_commands.ContextMenu):
                self.bot.tree.remove_command(command.name, type=command.type)
            else:
                self.bot.tree.remove_command(command.name)
        self.bot.remove_dynamic_items(*self.buttons, *self.selects)


class LoopCog(FeatureCog):
    """A cog that also runs `loop` in the background while it is loaded."""

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._task: asyncio.Task[None] | None = None

    async def loop(self) -> None:
        """Run until cancelled."""
        raise NotImplementedError

    async def cog_load(self) -> None:
        """Also start the loop."""
        await super().cog_load()
        self._task = asyncio.create_task(self.loop(), name=self.qualified_name)

    async def cog_unload(self) -> None:
        """Also cancel the loop and wait until it has ended."""
        await super().cog_unload()
        await end(self._task)


class ShardLoopCog(LoopCog):
    """A loop over this process's servers, whose next round begins at once when it took up shards."""

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._has_more = asyncio.Event()

    async def take_up(self, shards: Shards) -> None:
        """Have the next round begin at once: before, this process had no shards, or not these."""
        del shards
        self._has_more.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._has_more.wait()
        self._has_more.clear()


CogClass: TypeAlias = Callable[[Wanda], FeatureCog]
