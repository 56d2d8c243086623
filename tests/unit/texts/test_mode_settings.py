from collections.abc import Callable

from bot.jobs.model import Input, Job
from bot.texts.mode_settings import mode_settings_of

MakeJob = Callable[..., Job]
IMAGE = Input(option="image", path="a", file_name="a.png", kind="image", format="png", size_bytes=1)


def test_a_job_is_described_by_its_mode(make_job: MakeJob) -> None:
    """A stored job gets its mode's title, and what shapes the video first."""
    options = {"prompt": "a fox", "resolution": "1080p", "duration": 5, "seed": 42}
    words = mode_settings_of(make_job(mode="wan27-image", options=options, inputs=(IMAGE,)))
    assert words.mode_title == "Wan 2.7 image"
    assert list(words.settings) == [("Resolution", "1080p"), ("Duration", "5 s"), ("Seed", "42")]


def test_a_mode_that_is_gone_is_still_described(make_job: MakeJob) -> None:
    """A job of a mode that no longer exists shows its own name and options."""
    words = mode_settings_of(make_job(mode="wan99-image", options={"prompt": "a fox", "num_frames": 81}))
    assert (words.mode_title, list(words.settings)) == ("wan99-image", [("Num frames", "81")])
