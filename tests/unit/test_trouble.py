"""What the log says of trouble that comes and goes."""

import pytest

from bot.trouble import Trouble


def test_short_trouble_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """A blip passes unnoticed; trouble that lasts is one line with its reason, and one with its length at its end."""
    now = 10.0
    trouble = Trouble("fal", quiet_s=5, clock=lambda: now)
    trouble.worked()
    trouble.failed("reset")
    now = 13.0
    trouble.failed("reset")
    trouble.worked()
    assert caplog.messages == []
    for now in (20.0, 24.0, 26.0, 90.0):
        trouble.failed(f"503 at {now:g}")
    assert trouble.seconds == 70
    now = 170.0
    trouble.worked()
    trouble.worked()
    assert trouble.seconds == 0
    assert caplog.messages == [
        "trouble with fal begins: 503 at 26",
        "trouble with fal is over after 150 s (4 failures)",
    ]
