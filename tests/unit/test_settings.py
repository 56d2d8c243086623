"""How settings are read from the environment and `.env`."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from bot.errors import StartRefused
from bot.settings import GROUPS, Settings, StorageSettings, fields_of, forget_environment, read_group, read_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting is in the environment, and there is no `.env`."""
    names = {name.lower() for group in GROUPS.values() for name, _ in fields_of(group)}
    for name in [name for name in os.environ if name.lower() in names]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_shipped_values() -> None:
    """Without an environment every setting has its shipped value."""
    assert read_settings().model_dump() == Settings().model_dump()


def test_environment_before_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name in the environment, in any case, wins over `.env`; an empty one counts as not set; others are ignored."""
    (tmp_path / ".env").write_text("WANDA_KEEP_DAYS=3\nWANDA_WAN25_480P_USD=0.07\nFAL_KEY=from-file\nWANDA_TYPO=1\n")
    monkeypatch.setenv("wanda_keep_days", "7")
    monkeypatch.setenv("WANDA_WEB_PORT", "")
    monkeypatch.setenv("WANDA_LOG_LEVEL", "debug")

    settings = read_settings()

    assert settings.storage.keep_days == 7
    assert settings.money.prices_usd["wan25"]["480p"] == Decimal("0.07")
    assert settings.fal.key is not None
    assert settings.fal.key.get_secret_value() == "from-file"
    assert (settings.web.port, settings.log.level) == (8422, "DEBUG")
    assert read_group(StorageSettings).keep_days == 7


def test_every_unusable_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence for each value that cannot be used, of whatever group."""
    monkeypatch.setenv("WANDA_KEEP_DAYS", "0")
    monkeypatch.setenv("WANDA_ALLOWED_SERVERS", "mine")
    monkeypatch.setenv("WANDA_LOG_LEVEL", "loud")

    with pytest.raises(StartRefused) as refused:
        read_settings()

    lines = str(refused.value).splitlines()
    assert [line.split()[2] for line in lines] == ["WANDA_KEEP_DAYS", "WANDA_ALLOWED_SERVERS", "WANDA_LOG_LEVEL"]
    assert lines[0] == "The setting WANDA_KEEP_DAYS is not usable: Input should be greater than or equal to 1."


def test_settings_are_forgotten() -> None:
    """Once read, no setting is left in the environment, in whatever case it was written; other variables stay."""
    environment = {"FAL_KEY": "k", "discord_token": "t", "DATABASE_URL": "u", "WANDA_KEEP_DAYS": "3", "PATH": "/bin"}
    forget_environment(environment)
    assert environment == {"PATH": "/bin"}
