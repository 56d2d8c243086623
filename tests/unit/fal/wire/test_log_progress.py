import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fal.wire.log_progress import fraction_of, latest_fraction


@pytest.mark.parametrize(
    ("line", "fraction"),
    [
        ("12/30", 0.4),
        ("step 12/30", 0.4),
        ("Step 12 of 30, 3.1 s/it", 0.4),
        (" 40%|####      | 12/30 [00:10<00:15,  1.20it/s]", 0.4),
        ("45%", 0.45),
        ("progress: 45.5 % done", 0.455),
        ("100%|##########| 30/30 [00:25<00:00]", 1.0),
        ("  0%|          | 0/30 [00:00<?, ?it/s]", 0.0),
        ("Frame 81/81 saved.", 1.0),
        ("Loading the model", None),
        ("2026/01/05 started", None),
        ("12/30/2026", None),
        ("open 24/7", None),
        ("1/1", None),
        ("ratio 16/9", None),
        ("GPU memory 85%", None),
        ("loss 12%", None),
        ("https://a.b/3/4", None),
        ("/data/1/2", None),
        ("250%", None),
        ("-5%", None),
        ("v1/2", None),
        ("", None),
    ],
)
def test_fraction(line: str, fraction: float | None) -> None:
    """Steps, percentages and tqdm bars are read as progress; dates, paths, ratios and meters are not."""
    assert fraction_of(line) == (pytest.approx(fraction) if fraction is not None else None)


@given(st.text() | st.text("0123456789/% of"))
def test_any_line(line: str) -> None:
    """Any line gives None or a fraction from 0 to 1."""
    found = fraction_of(line * 50)
    assert found is None or 0 <= found <= 1


def test_latest() -> None:
    """The newest line with a progress counts."""
    assert latest_fraction(("1/10", "2/10", "thinking")) == 0.2
    assert latest_fraction(()) is None
