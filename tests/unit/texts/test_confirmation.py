"""What the buttons of the private question say."""

from bot.texts.confirmation import difference, settings_words
from tests.support.catalogue_samples import request


def test_a_cheaper_setting_says_what_it_changes() -> None:
    """Only what differs is named, the new value first."""
    asked = request("wan27-image", "image", resolution="1080p", duration=8)
    smaller = request("wan27-image", "image", resolution="720p", duration=8)
    shorter = request("wan27-image", "image", resolution="720p", duration=4)
    assert difference(asked, smaller) == "720p instead of 1080p"
    assert difference(smaller, shorter) == "4 s instead of 8 s"
    assert difference(asked, shorter) == "720p, 4 s instead of 1080p, 8 s"


def test_frames_are_called_frames() -> None:
    """A mode whose length is counted in frames says frames."""
    asked = request("wan22-video", "video", resolution="720p", num_frames=81)
    assert settings_words(asked) == "720p, 81 frames"
