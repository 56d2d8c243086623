"""Discord and fal: keys, addresses and patience."""

from typing import ClassVar

from pydantic import SecretStr

from bot.settings.group import SettingsGroup, setting
from bot.settings.values import Key, SocketAddress, WebAddress


class DiscordSettings(SettingsGroup):
    """The bot's login and Discord's addresses."""

    title: ClassVar[str] = "Discord"

    token: Key | None = setting("DISCORD_TOKEN", None, "The bot's token from the developer portal.", operator=True)
    api_url: WebAddress = setting("DISCORD_API_URL", "https://discord.com/api/v10", "Discord's REST API.")
    gateway_url: SocketAddress = setting("DISCORD_GATEWAY_URL", "wss://gateway.discord.gg/", "Discord's gateway.")
    cdn_url: WebAddress = setting(
        "DISCORD_CDN_URL", "https://cdn.discordapp.com", "Where attachments are downloaded from."
    )
    ready_timeout_s: float = setting(
        "WANDA_DISCORD_READY_TIMEOUT_S",
        2.0,
        "How long the start waits for the next server's data from the gateway, in seconds.",
        gt=0,
        le=60,
    )


class FalSettings(SettingsGroup):
    """fal's key and addresses, and the limits of requests to it."""

    title: ClassVar[str] = "fal.ai"

    key: Key | None = setting(
        "FAL_KEY", None, "fal.ai's API key; every video is charged to its account.", operator=True
    )
    admin_key: Key | None = setting(
        "FAL_ADMIN_KEY",
        None,
        "A key of the same account with fal's ADMIN scope: with it Wanda reads what fal billed, and the balance. It is "
        "used for nothing else.",
    )
    queue_url: WebAddress = setting(
        "FAL_QUEUE_URL", "https://queue.fal.run", "fal's queue, which takes and renders requests."
    )
    queue_backup_url: WebAddress = setting(
        "FAL_QUEUE_BACKUP_URL", "https://queue.falrun.com", "The other host that fal's queue may name in its replies."
    )
    rest_url: WebAddress = setting(
        "FAL_REST_URL", "https://rest.fal.ai", "fal's storage, where input files are uploaded."
    )
    api_url: WebAddress = setting(
        "FAL_API_URL", "https://api.fal.ai", "fal's platform API: price list, past requests, bills and balance."
    )
    web_url: WebAddress = setting("FAL_WEB_URL", "https://fal.ai", "fal's website, which shows each endpoint's schema.")
    openings_at_once: int = setting(
        "WANDA_FAL_OPENINGS_AT_ONCE",
        50,
        "How many status streams and polls may wait for fal's first answer at once.",
        ge=1,
        le=1000,
    )
    connections_max: int = setting(
        "WANDA_FAL_CONNECTIONS_MAX",
        128,
        "Pooled connections to fal; submits and status streams have connections of their own.",
        ge=1,
    )
    connect_timeout_s: float = setting(
        "WANDA_FAL_CONNECT_TIMEOUT_S",
        10.0,
        "Timeout for a connection to fal, and for the start of a status stream, in seconds.",
        gt=0,
    )
    reply_timeout_s: float = setting(
        "WANDA_FAL_REPLY_TIMEOUT_S", 60.0, "Timeout for fal's answer to one request, in seconds.", gt=0
    )
    silence_timeout_s: float = setting(
        "WANDA_FAL_SILENCE_TIMEOUT_S",
        60.0,
        "A status stream without even a ping for this many seconds is reopened.",
        gt=0,
    )
    stream_max_s: float = setting(
        "WANDA_FAL_STREAM_MAX_S", 900.0, "A status stream without a change for this many seconds is reopened.", gt=0
    )
    poll_min_s: float = setting(
        "WANDA_FAL_POLL_MIN_S", 2.0, "First interval between polls of a request's status, in seconds.", gt=0
    )
    poll_max_s: float = setting(
        "WANDA_FAL_POLL_MAX_S", 20.0, "Longest interval between polls of a request's status, in seconds.", gt=0
    )
    retries: int = setting(
        "WANDA_FAL_RETRIES", 5, "Retries of a request to fal that is safe to repeat; a submit never is.", ge=0, le=50
    )
    result_patience_s: float = setting(
        "WANDA_FAL_RESULT_PATIENCE_S",
        300.0,
        "How long a 500 or a 404 instead of a result, without fal's name for an error, is taken for a passing fault of "
        "fal's, in seconds; then it is believed.",
        ge=0,
    )
    streams_max: int = setting(
        "WANDA_FAL_STREAMS_MAX",
        200,
        "With WANDA_PUBLIC_URL: how many jobs are followed closely, to show their progress. Those beyond it wait for "
        "fal's webhook.",
        ge=0,
    )
    look_s: float = setting(
        "WANDA_FAL_LOOK_S",
        600.0,
        "With WANDA_PUBLIC_URL: how often fal is asked about a job that waits for its webhook, in seconds: none may "
        "come.",
        gt=0,
    )
    keys_life_s: float = setting(
        "WANDA_FAL_KEYS_LIFE_S",
        12 * 3600.0,
        "How long the keys with which fal signs webhooks are used before they are asked for again, in seconds; fal "
        "allows a day.",
        gt=0,
        le=86_400,
    )
    keys_pause_s: float = setting(
        "WANDA_FAL_KEYS_PAUSE_S",
        60.0,
        "Shortest time between two requests for fal's keys, also when a webhook is signed with an unknown one, in "
        "seconds.",
        ge=0,
    )
    reply_mib_max: int = setting("WANDA_FAL_REPLY_MIB_MAX", 4, "Largest reply read from fal, in MiB.", ge=1, le=64)
    upload_timeout_s: float = setting(
        "WANDA_UPLOAD_TIMEOUT_S", 300.0, "Timeout for one file uploaded to fal or to Discord, in seconds.", gt=0
    )

    @property
    def further_secrets(self) -> list[SecretStr]:
        """What no log may show, beside the key."""
        return [] if self.admin_key is None else [self.admin_key]
