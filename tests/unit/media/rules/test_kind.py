"""What kind of file an attachment claims to be."""

import pytest

from bot.media.rules.kind import claimed_kind


@pytest.mark.parametrize(
    ("content_type", "file_name", "kind"),
    [
        ("image/png", "a.bin", "image"),
        ("audio/ogg; codecs=opus", "voice-message.ogg", "audio"),
        ("VIDEO/mp4", "x", "video"),
        (None, "clip.MOV", "video"),
        ("application/octet-stream", "song.m4a", "audio"),
        (None, "notes.txt", None),
        ("text/plain", "noextension", None),
    ],
)
def test_a_claim(content_type: str | None, file_name: str, kind: str | None) -> None:
    """Discord's content type decides the kind, else the name's extension; other files are None."""
    assert claimed_kind(content_type, file_name) == kind
