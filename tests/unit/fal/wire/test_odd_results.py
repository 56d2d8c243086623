"""What is only decoration in fal's answer costs nobody a video."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FalProtocolError, FalUnreachable
from bot.fal.wire.addresses import FILE_URL_MAX, file_url, origin
from bot.fal.wire.protocol import read_status
from bot.fal.wire.result import read_result
from bot.fal.wire.types import Result

URL = "https://v3.fal.media/files/out.mp4"


def result(body: bytes | dict[str, Any]) -> Result:
    """Return what is read of a 200 with this body."""
    return read_result(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


DEEP = '[{"a\\\\\\"[": ' * 3000 + '"]}"' + "}]" * 3000


@pytest.mark.parametrize(
    "flaw",
    ["NaN", "Infinity", "-Infinity", "1e999", '"\\ud800"', "[[]]", "null", "1" * 4000, "1" * 5000, DEEP],
    ids=lambda flaw: flaw[:12],
)
@pytest.mark.parametrize("name", ["fps", "duration", "width", "file_size", "logs"])
def test_a_flaw_in_a_number_that_nobody_needs(name: str, flaw: str) -> None:
    """A video is taken whatever stands in the numbers around it."""
    body = f'{{"video": {{"url": "{URL}", "{name}": {flaw}}}, "seed": 7, "timings": {{"x": {flaw}}}}}'
    assert result(body.encode()) == Result(url=URL, seed=7)


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", "ü".encode("latin-1")])
def test_bytes_that_are_no_utf8(body: bytes) -> None:
    """A prompt in another encoding does not hide the video."""
    assert result(b'{"video": {"url": "%b"}, "actual_prompt": "%b"}' % (URL.encode(), body)).url == URL


@pytest.mark.parametrize("status", [201, 203, 206])
def test_another_success(status: int) -> None:
    """A video that stands in the reply is taken whichever success the reply calls itself."""
    assert read_result(status, {}, json.dumps({"video": {"url": URL}}).encode()).url == URL


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100 + b"1", b"[1]]", b'{"a": "' + b'\\"' * 100_000], ids=lambda body: body[:9]
)
def test_brackets_that_do_not_match(body: bytes) -> None:
    """What is left open or closed once too often is no JSON, however deep it is, and is asked for again."""
    with pytest.raises(FalUnreachable):
        result(body)


def test_numbers_that_no_video_has() -> None:
    """A number without any sense is unknown, and so is never shown."""
    video = {"url": URL, "width": 10**30, "height": 99_999, "duration": 1e308, "file_size": 2**60, "num_frames": 10**18}
    assert result({"video": video}) == Result(url=URL)
    assert result({"video": {"url": URL, "num_frames": 500_000, "fps": 0.01}}).seconds is None


def test_a_long_wording_is_kept_whole() -> None:
    """fal's own wording of a prompt is kept to its last letter, because a rerun films it again."""
    words = "A calm sea. " * 1000 + "The end."
    assert result({"video": {"url": URL}, "actual_prompt": words}).actual_prompt == words


@pytest.mark.parametrize(
    ("given", "usable"),
    [
        ("https://v3.fal.media/my file.mp4", "https://v3.fal.media/my%20file.mp4"),
        ("https://v3.fal.media/größe/日本.mp4", "https://v3.fal.media/gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC.mp4"),
        (" HTTPS://v3.fal.media/a.mp4\n", "https://v3.fal.media/a.mp4"),
        (
            "https://v3.fal.media/a.mp4?sig=a%2Fb%2Bc%3D&x=y+z#t=1",
            "https://v3.fal.media/a.mp4?sig=a%2Fb%2Bc%3D&x=y+z#t=1",
        ),
        ("https://v3.fal.media/100%.mp4", "https://v3.fal.media/100%25.mp4"),
        ('https://v3.fal.media/a\\b"<c>.mp4', "https://v3.fal.media/a%5Cb%22%3Cc%3E.mp4"),
        ("https://bücher.example/a.mp4", "https://xn--bcher-kva.example/a.mp4"),
        (f"https://v3.fal.media/a.mp4?sig={'a' * 9000}", f"https://v3.fal.media/a.mp4?sig={'a' * 9000}"),
    ],
)
def test_an_odd_address_is_made_usable(given: str, usable: str) -> None:
    """What may not stand in an address is encoded, and what is signed stays letter for letter."""
    assert file_url(given) == usable
    assert file_url(usable) == usable
    assert result({"video": {"url": given}}).url == usable


@pytest.mark.parametrize(
    "bad",
    [
        *(
            None,
            7,
            "",
            "out.mp4",
            "//v3.fal.media/a",
            "ftp://x/a",
            "https:///a",
            "https://a@b/c",
            "javascript:alert(1)",
        ),
        *("https://ho st/a", "https://host\\.evil/a", f"https://x/{'a' * FILE_URL_MAX}"),
    ],
)
def test_no_address(bad: Any) -> None:
    """A result without an address that can be fetched holds no video."""
    with pytest.raises(FalProtocolError):
        result({"video": {"url": bad}})


@given(st.text(max_size=60), st.sampled_from(["https://", "http://", "https://a/", "https://a?", ""]))
def test_every_address_is_refused_or_plain(text: str, start: str) -> None:
    """Whatever fal writes, an address that is taken is one that every parser reads alike, and taking it is final."""
    try:
        url = file_url(start + text)
    except FalProtocolError:
        return
    assert origin(url, chars_max=10 * FILE_URL_MAX) is not None
    assert file_url(url) == url


def test_a_page_in_place_of_the_result() -> None:
    """A page of a gateway says nothing about the video, so it is asked for again."""
    with pytest.raises(FalUnreachable):
        result(b"<html>down for maintenance</html>")


def test_a_position_in_the_queue_that_makes_no_sense() -> None:
    """A number of requests ahead that nobody believes is not shown."""
    assert read_status(202, b'{"status": "IN_QUEUE", "queue_position": 1e18}').queue_position is None
