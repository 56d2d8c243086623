import pytest

from bot.media.rules.file_name import SHOWN_CHARACTERS_MAX, shown_name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("holiday.png", "holiday.png"),
        ("my_holiday_2024 (1).png", "my_holiday_2024 (1).png"),
        ("**bold** ~~gone~~ `code` ||secret||.png", "bold gone code secret.png"),
        ("__under__line_.png", "under line .png"),
        ("@everyone <@123> <#5>.png", "everyone 123 5.png"),
        ("[click](https://evil.example/x).png", "click(httpsevil.example" + "x).png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("tab\there\x00\x1b[31m.png", "tab here 31m.png"),
        ("line\nbreak.png", "line break.png"),
        ("ünïcödé 写真.png", "ünïcödé 写真.png"),
        ("", "the file"),
        ("***", "the file"),
    ],
)
def test_cleaned(given: str, shown: str) -> None:
    """A shown name holds no markdown, mention, link, control character or change of direction."""
    assert shown_name(given) == shown


def test_shortened() -> None:
    """A long name keeps its beginning and its extension."""
    shown = shown_name("x" * 300 + ".jpeg")
    assert len(shown) == SHOWN_CHARACTERS_MAX
    assert shown.endswith("x….jpeg")
    assert len(shown_name("y" * 5000)) == SHOWN_CHARACTERS_MAX


def test_stable() -> None:
    """Cleaning a cleaned name changes nothing."""
    once = shown_name("_we_ird__ **name** of a file " * 9 + ".mp4")
    assert shown_name(once) == once
