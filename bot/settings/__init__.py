"""Every setting, in groups of frozen fields; each component takes the group that it needs.

`bot.configuration` reads them once, at the start. The README's table and docs/settings.md are generated from here.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from bot.settings.cards import CardSettings, PingSettings
from bot.settings.group import OPERATORS, SettingsGroup, fields_of
from bot.settings.jobs import JobSettings, WatchSettings
from bot.settings.media import ChartSettings, DownloadSettings, MediaSettings
from bot.settings.money import BillSettings, MoneySettings
from bot.settings.orders import (
    ChipInSettings,
    ContentSettings,
    DefaultSettings,
    FilmSettings,
    PickSettings,
    PresetSettings,
)
from bot.settings.running import ExportSettings, LogSettings, RunningSettings, ShardSettings, WebSettings
from bot.settings.services import DiscordSettings, FalSettings
from bot.settings.storage import POSTGRES_SCHEMES, SQLITE_SCHEME, FilesSettings, StorageSettings
from bot.settings.values import is_loopback

__all__ = [
    "GROUPS",
    "OPERATORS",
    "POSTGRES_SCHEMES",
    "SQLITE_SCHEME",
    "BillSettings",
    "CardSettings",
    "ChartSettings",
    "ChipInSettings",
    "ContentSettings",
    "DefaultSettings",
    "DiscordSettings",
    "DownloadSettings",
    "ExportSettings",
    "FalSettings",
    "FilesSettings",
    "FilmSettings",
    "JobSettings",
    "LogSettings",
    "MediaSettings",
    "MoneySettings",
    "PickSettings",
    "PingSettings",
    "PresetSettings",
    "RunningSettings",
    "Settings",
    "SettingsGroup",
    "ShardSettings",
    "StorageSettings",
    "WatchSettings",
    "WebSettings",
    "fields_of",
    "is_loopback",
]


class Settings(BaseModel):
    """All groups. Built by hand, every setting that is not given has its shipped value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    discord: DiscordSettings = DiscordSettings()
    fal: FalSettings = FalSettings()
    storage: StorageSettings = StorageSettings()
    files: FilesSettings = FilesSettings()
    money: MoneySettings = MoneySettings()
    defaults: DefaultSettings = DefaultSettings()
    jobs: JobSettings = JobSettings()
    downloads: DownloadSettings = DownloadSettings()
    media: MediaSettings = MediaSettings()
    cards: CardSettings = CardSettings()
    pings: PingSettings = PingSettings()
    picks: PickSettings = PickSettings()
    presets: PresetSettings = PresetSettings()
    chip_ins: ChipInSettings = ChipInSettings()
    content: ContentSettings = ContentSettings()
    exports: ExportSettings = ExportSettings()
    films: FilmSettings = FilmSettings()
    charts: ChartSettings = ChartSettings()
    web: WebSettings = WebSettings()
    running: RunningSettings = RunningSettings()
    shards: ShardSettings = ShardSettings()
    bills: BillSettings = BillSettings()
    watch: WatchSettings = WatchSettings()
    log: LogSettings = LogSettings()


GROUPS: Mapping[str, type[SettingsGroup]] = {
    name: type(group) for name, group in Settings() if isinstance(group, SettingsGroup)
}
