import pytest

from bot.errors import EncodeFailed, NoRoom
from bot.media.ffmpeg import encode_failure
from bot.workers.run_once import RunFailed


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("exit status 228: av_interleaved_write_frame(): No space left on device", NoRoom),
        ("exit status 1: OSError: [Errno 28] No space left on device", NoRoom),
        ("exit status 1: Invalid data found when processing input", EncodeFailed),
    ],
)
def test_a_full_disk_is_no_fault_of_the_file(words: str, kind: type[EncodeFailed]) -> None:
    """An encode that failed for want of room is told apart from a file that cannot be encoded."""
    assert type(encode_failure("ffmpeg", RunFailed(words))) is kind
