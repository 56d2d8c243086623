from pathlib import Path

from bot.cards.video_file import PIECE_BYTES, close_file, open_video


def test_a_video_is_read_in_large_pieces_whatever_is_asked_for(tmp_path: Path) -> None:
    """A read of 64 KiB returns 1 MiB, the last one what is left, and a repeated request begins anew."""
    path = tmp_path / "video.mp4"
    path.write_bytes(bytes(PIECE_BYTES) + b"end")
    file = open_video(path, name="wanda.mp4")
    assert file.filename == "wanda.mp4"
    for _ in range(2):
        file.reset()
        assert [len(file.fp.read(65536)) for _ in range(3)] == [PIECE_BYTES, 3, 0]
    file.reset()
    assert len(file.fp.read()) == PIECE_BYTES + 3
    close_file(file)
    assert file.fp.closed
