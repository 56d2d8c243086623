"""`python -m bot price`, without the command line."""

import json

import pytest

from bot.catalogue import registry
from bot.catalogue.example import price_json, price_line, price_list, price_text
from bot.catalogue.readme_table import mode_table_markdown
from bot.errors import Refusal
from tests.support.catalogue_samples import PICKER


@pytest.mark.parametrize(
    ("line", "microusd", "formula"),
    [
        ("wan27-image", 500_000, "5 s × $0.10"),
        ("wan27-image resolution=1080p duration=15", 2_250_000, "15 s × $0.15"),
        ("wan27-image duration=10 video_seconds=8", 1_000_000, "10 s × $0.10"),
        ("wan27-image audio_seconds=8", 500_000, "5 s × $0.10"),
        ("wan27-reference duration=3", 300_000, "3 s × $0.10"),
        ("wan27-reference duration=3 video_seconds=8", 1_100_000, "(8 s in + 3 s out) × $0.10"),
        ("wan27-reference duration=3 video_seconds=2.5", 550_000, "(2.5 s in + 3 s out) × $0.10"),
        ("wan27-reference duration=3 video_seconds=8,2.5", 1_350_000, "(10.5 s in + 3 s out) × $0.10"),
        ("wan27-reference duration=3 video_seconds=8+2.5+1", 1_450_000, "(11.5 s in + 3 s out) × $0.10"),
        ("wan27-reference duration=3 video_seconds=45", 4_800_000, "(45 s in + 3 s out) × $0.10"),
        ("wan27-edit video_seconds=8", 800_000, "8 s × $0.10"),
        ("wan27-edit video_seconds=2.5 resolution=1080p", 250_000, "2.5 s × $0.10"),
        ("wan27-edit duration=10", 1_000_000, "10 s × $0.10"),
        ("wan27-edit duration=3 video_seconds=8", 300_000, "3 s × $0.10"),
        ("wan25-image duration=10 resolution=480p", 500_000, "10 s × $0.05"),
        ("wan25-text duration=10", 1_000_000, "10 s × $0.10"),  # as docs/add-a-mode.md says
        ("wan22-video num_frames=161 video_seconds=30 strength=0.5", 805_000, "161 frames / 16 × $0.08"),
        ("wan21-image num_frames=100 resolution=480p seed=1 prompt=x", 250_000, "$0.20 × 1.25 (100 frames)"),
    ],
)
def test_a_price_from_pairs(line: str, microusd: int, formula: str) -> None:
    """A price needs only what it depends on, and takes any other option of the mode."""
    mode_id, *pairs = line.split()

    quote = price_line(mode_id, pairs, PICKER)

    assert (quote.microusd, quote.formula) == (microusd, formula)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wan27", "There's no mode “wan27”"),
        ("wan27-image fps=5", "has no option fps; a price takes prompt, .* video_seconds and audio_seconds[.]"),
        ("wan21-image video_seconds=5", "has no option video_seconds"),
        ("wan27-image duration", "duration isn't a key=value pair"),
        ("wan27-image =5", "=5 isn't a key=value pair"),
        ("wan27-image duration=", "duration= isn't a key=value pair"),
        ("wan27-image duration=16", "duration is 16, .* from 2 to 15[.]"),
        ("wan27-image duration=x", "duration is x, .* from 2 to 15[.]"),
        ("wan27-image duration=5 duration=6", "duration is given twice"),
        ("wan27-image resolution=4k", "resolution is 4k, .* 720p or 1080p"),
        ("wan27-image image=a.png", "image is a file"),
        ("wan27-image video_seconds=12.4", "is 12.4 s long; Wan 2.7 continues clips of 2 to 10 s"),
        ("wan27-image video_seconds=6", "5 s leaves nothing to add"),
        ("wan27-image duration=9 video_seconds=5 audio_seconds=5", "Sound goes with a picture"),
        ("wan27-edit", "costs by the clip's length. Add video_seconds=8, or duration=5"),
        ("wan27-edit duration=1", "duration is 1, .* 2 to 10 s, or 0 for the whole clip"),
        ("wan27-edit duration=9 video_seconds=8", "8 s long, so 9 s can't be cut from it"),
        ("wan27-edit video_seconds=12", "is 12 s long; Wan 2.7 changes clips of 2 to 10 s"),
        ("wan25-image duration=7", "duration is 7, .* 5 or 10[.]"),
        ("wan25-image audio_seconds=2", "is 2 s long; Wan 2.5 takes sound files of 3 to 30 s"),
        ("wan27-reference video_seconds=1,2,3,4", "4 lengths; .* up to 3 such files"),
        ("wan27-reference video_seconds=40,2", "is 40 s long; .* of 1 to 30 s"),
        ("wan27-reference video_seconds=91", "is 91; .* 1 to 90 s, all of them together"),
        ("wan27-reference video_seconds=nan", "video_seconds is nan; it takes seconds above 0"),
        ("wan27-reference video_seconds=-1", "video_seconds is -1; it takes seconds above 0"),
        ("wan27-reference video_seconds=8,", "video_seconds is empty; it takes seconds above 0"),
    ],
)
def test_a_wrong_key_or_value_is_one_line(line: str, words: str) -> None:
    """Any mistake gets one line that says what is wrong."""
    mode_id, *pairs = line.split()

    with pytest.raises(Refusal, match=words) as refused:
        price_line(mode_id, pairs, PICKER)

    assert "\n" not in str(refused.value)


def test_a_price_for_people_and_for_programs() -> None:
    """The text has the amount and the formula; the JSON has exactly the four agreed keys."""
    quote = price_line("wan27-image", ["resolution=1080p", "duration=15"], PICKER)

    assert price_text(quote) == "$2.25 = 15 s × $0.15"
    assert json.loads(json.dumps(price_json("wan27-image", quote))) == {
        "mode": "wan27-image",
        "microusd": 2_250_000,
        "usd": 2.25,
        "formula": "15 s × $0.15",
    }


def test_the_table_has_every_mode() -> None:
    """The README's table has a row for each mode, with its files, resolutions, length and price."""
    head, rule, *rows = mode_table_markdown().splitlines()

    assert head.count("|") == rule.count("|") == 7
    assert [row.split("`")[1] for row in rows] == [mode.id for mode in registry.MODES]
    assert rows[0] == (
        "| `wan27-image` | `/wan27 image`, `/wan27 continue` | `image`, `end_image`, `video`, `audio` "
        "| 720p and 1080p | 2 to 15 s | $0.10 (720p), $0.15 (1080p) per second |"
    )
    assert "`image1` to `image5`, `video1` to `video3`" in next(row for row in rows if "wan27-reference" in row)
    assert any("`video` (required) | 480p, 580p and 720p | 17 to 161 frames" in row for row in rows)


def test_what_each_mode_usually_costs() -> None:
    """Whoever names no mode reads the price of each, at its defaults, and of a clip of five seconds."""
    quotes = price_list(PICKER)
    assert list(quotes) == [mode.id for mode in registry.MODES]
    assert price_text(quotes["wan27-image"]) == "$0.50 = 5 s × $0.10"
    assert quotes["wan27-edit"] == price_line("wan27-edit", ["video_seconds=5"], PICKER)
