"""fal's webhooks as a part of the program: their route, their addresses, and who is told of them.

Whichever process takes a webhook, the one that drives the job goes on with it: on PostgreSQL it is told by NOTIFY.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from bot.errors import SettingsRefused
from bot.fal.client import FalClient
from bot.fal.wire.addresses import WEBHOOK_PATH
from bot.jobs.calls import webhook_key
from bot.runner.fal_steps import Webhooks
from bot.runner.runner import Runner
from bot.settings import Settings
from bot.storage.owned_store import OwnedStore
from bot.tasks import end
from bot.web.server import Route

if TYPE_CHECKING:
    from bot.web.fal_webhooks import FalWebhooks

log = logging.getLogger(__name__)


class Calls:
    """Takes fal's webhooks; without WANDA_PUBLIC_URL it has no route and does nothing."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsRefused when there is no web server for them."""
        self._settings = settings
        web = settings.web
        if web.public_url is not None and not web.port:
            raise SettingsRefused(
                "WANDA_PUBLIC_URL needs the web server: set WANDA_WEB_PORT to the port that your proxy passes them to."
            )
        self._route = Route("POST", WEBHOOK_PATH, body_bytes_max=web.webhook_kib_max * 1024)
        self.routes: Sequence[Route] = () if web.public_url is None else (self._route,)
        self._key = b""

    async def addresses(self, store: OwnedStore) -> Webhooks | None:
        """Return how fal calls Wanda; None if it does not.

        Raises:
            StorageError: the key of the addresses could not be read.
        """
        public_url, fal = self._settings.web.public_url, self._settings.fal
        if public_url is None:
            return None
        from bot.fal.wire.webhook import webhook_url  # noqa: PLC0415 - its library is loaded only where it is used

        self._key = await store.read(webhook_key())
        log.info("fal calls %s when a video is made", public_url)
        return Webhooks(url=partial(webhook_url, public_url, self._key), streams_max=fal.streams_max, look_s=fal.look_s)

    def take(self, stack: AsyncExitStack, store: OwnedStore, fal: FalClient, runner: Runner) -> None:
        """Take webhooks from now on, until `stack` closes; call it after `addresses`."""
        if not self.routes:
            return
        self._route.use(self._receiver(stack, store, fal, runner).answer)
        stack.callback(self._route.use, None)

    def _receiver(self, stack: AsyncExitStack, store: OwnedStore, fal: FalClient, runner: Runner) -> "FalWebhooks":
        from bot.fal.webhook_keys import WebhookKeys  # noqa: PLC0415 - as above
        from bot.web.fal_webhooks import FalWebhooks  # noqa: PLC0415 - as above

        keys = WebhookKeys(fal, self._settings.fal)
        stack.push_async_callback(end, asyncio.create_task(keys.read(), name="fal's keys"))
        return FalWebhooks(
            store,
            keys,
            mac_key=self._key,
            queue_url=self._settings.fal.queue_url,
            at_once=self._settings.web.webhooks_at_once,
            # On PostgreSQL the notification comes to this process, too (`bot/runner/job_channel.py`).
            on_stored=runner.heard if store.ownership is None else None,
        )
