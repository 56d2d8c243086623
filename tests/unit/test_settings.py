"""How settings are read from the environment and `.env`."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from bot.configuration import forget_environment, read_group, read_settings
from bot.errors import SettingsRefused
from bot.settings import GROUPS, Settings, StorageSettings, fields_of


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
    """A name in the environment, in any case, wins over `.env`; an empty one counts as not set."""
    (tmp_path / ".env").write_text("WANDA_KEEP_DAYS=3\nWANDA_WAN25_480P_USD=0.07\nFAL_KEY=from-file\n")
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

    with pytest.raises(SettingsRefused) as refused:
        read_settings()

    lines = str(refused.value).splitlines()
    assert [line.split()[2] for line in lines] == ["WANDA_KEEP_DAYS", "WANDA_ALLOWED_SERVERS", "WANDA_LOG_LEVEL"]
    assert lines[0] == "The setting WANDA_KEEP_DAYS is not usable: Input should be greater than or equal to 1."


def test_settings_are_forgotten() -> None:
    """Once read, no setting is left in the environment, in whatever case it was written; other variables stay."""
    environment = {"FAL_KEY": "k", "discord_token": "t", "DATABASE_URL": "u", "WANDA_KEEP_DAYS": "3", "PATH": "/bin"}
    forget_environment(environment)
    assert environment == {"PATH": "/bin"}


def refused_with(text: bytes | str = "") -> str:
    """Return what the start says to this `.env`."""
    Path(".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsRefused) as refused:
        read_settings()
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("WANDA_KEEPDAYS=3\n", "There is no setting WANDA_KEEPDAYS (in .env): did you mean WANDA_KEEP_DAYS?"),
        ("wanda_nonsense=3\n", "There is no setting WANDA_NONSENSE (in .env): docs/settings.md lists them all."),
        ("FAL_KEYS=abc\n", "There is no setting FAL_KEYS (in .env): did you mean FAL_KEY?"),
        ("DATABSE_URL=postgresql://h/d\n", "There is no setting DATABSE_URL (in .env): did you mean DATABASE_URL?"),
        ("LOG_LEVEL=DEBUG\n", "There is no setting LOG_LEVEL (in .env): did you mean WANDA_LOG_LEVEL?"),
    ],
)
def test_a_misspelt_setting_is_refused(text: str, said: str) -> None:
    """A budget that would silently not apply is a mistake; the line names what was probably meant."""
    assert refused_with(text) == said


def test_a_misspelt_setting_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of ours alone: the environment is everybody's, and Kubernetes describes a service named wanda there."""
    monkeypatch.setenv("WANDA_PORT", "tcp://10.0.0.1:8422")
    monkeypatch.setenv("WANDA_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("WANDA_PORT_8422_TCP_ADDR", "10.0.0.1")
    monkeypatch.setenv("FAL_KEY_ID", "somebody's")
    read_settings()
    monkeypatch.setenv("WANDA_MEMBER_DAYLY_USD", "1")
    assert refused_with().startswith(
        "There is no setting WANDA_MEMBER_DAYLY_USD (in the environment): did you mean WANDA_"
    )


def test_other_names_in_the_file_are_somebody_elses() -> None:
    """What resembles a setting that is given, or none, stands there for another program, such as compose."""
    Path(".env").write_text("DISCORD_TOKEN=abc\nDISCORD_BOT_TOKEN=abc\nPOSTGRES_PASSWORD=x\nTZ=UTC\n")
    assert read_settings().discord.token is not None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            "DISCORD_TOKEN=abc\n".encode("utf-16"),
            "is in UTF-16, as `>` in Windows PowerShell writes it: save it as UTF-8",
        ),
        ("DISCORD_TOKEN=abc\n".encode("utf-16-le"), "is in UTF-16"),
        ("FAL_KEY=abc\n# für uns\n".encode("latin-1"), "Line 2 of "),
        (b"FAL_KEY=abc\n\nDISCORD_TOKEN abc:secret\n", "Line 3 of "),
        (b"FAL_KEY=abc\nDISCORD_TOKEN\n", "Line 2 of "),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(raw: bytes, said: str) -> None:
    """The line says which file, where, and what to do; it repeats nothing of the file."""
    told = refused_with(raw)
    assert said in told
    assert len(told.splitlines()) == 1
    assert "secret" not in told


def test_a_value_that_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path in another encoding than UTF-8 is told at once; SQLite's name of the file would be another one."""
    monkeypatch.setenv("WANDA_DATA_DIR", os.fsdecode(b"/srv/caf\xe9"))
    assert refused_with() == (
        "The setting WANDA_DATA_DIR is not UTF-8: write it in UTF-8, or choose a name of ASCII letters."
    )


def test_a_setting_that_is_given_twice_is_refused() -> None:
    """Two values of one setting, in whatever case, are a budget that somebody believes in and that does not apply."""
    twice = "WANDA_MEMBER_DAILY_USD=3\nOTHERS=1\nOTHERS=2\n\nwanda_member_daily_usd=30\n"
    assert refused_with(twice) == (
        f"Line 5 of {Path('.env').absolute()} gives WANDA_MEMBER_DAILY_USD another value than a line above: "
        "remove one of them."
    )
    Path(".env").write_text("WANDA_KEEP_DAYS=3\nWANDA_KEEP_DAYS=\nWANDA_KEEP_DAYS=3\n")
    assert read_settings().storage.keep_days == 3


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """Windows editors write one before UTF-8, and the first setting counts all the same."""
    Path(".env").write_bytes("\ufeffWANDA_KEEP_DAYS=3\n".encode())
    assert read_settings().storage.keep_days == 3


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FAL_KEY", '"id:secret"', "is in quotes, and `docker run --env-file` keeps them"),
        ("WANDA_KEEP_DAYS", "'30'", "is in quotes, and `docker run --env-file` keeps them"),
        ("FAL_KEY", "id:secret\n", "is not usable: it has a space, a quote, a line break"),
        ("DISCORD_TOKEN", "Bot secret", "is not usable: it has a space, a quote, a line break"),
        ("DISCORD_TOKEN", "sécret", "is not usable: it has a space, a quote, a line break"),
        ("FAL_QUEUE_URL", "queue.fal.run", "is not usable: write it with its scheme and host, beginning with https://"),
        ("FAL_REST_URL", "https:/rest.fal.ai", "is not usable: write it with its scheme and host"),
        ("DISCORD_GATEWAY_URL", "https://gateway.discord.gg", "beginning with wss://"),
        ("DISCORD_API_URL", "localhost:8420/api", "beginning with https://"),
        ("DATABASE_URL", "wanda:secret@db/wanda", "is not usable: write postgresql://user@host/database or sqlite:///"),
        ("DATABASE_URL", "mysql://wanda:secret@db/wanda", "is not usable: write postgresql://"),
        ("DATABASE_URL", "sqlite:///", "is not usable: write postgresql://"),
        ("WANDA_JOB_DEADLINE_S", "inf", "is not usable: Input should be a finite number"),
    ],
)
def test_an_unusable_value_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """The line names the setting, says how it is written, and does not repeat it: it may be a secret."""
    monkeypatch.setenv(name, value)
    told = refused_with()
    assert name in told
    assert said in told
    assert "secret" not in told
    assert "sécret" not in told
    assert len(told.splitlines()) == 1
