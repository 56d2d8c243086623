import pytest

from bot.fal.wire.addresses import origin, requests_url, same_origin, stream_url, with_logs

QUEUE = "https://queue.fal.run"


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("fal-ai/wan/v2.7/image-to-video", "fal-ai/wan"),
        ("fal-ai/wan/v2.7/reference-to-video", "fal-ai/wan"),
        ("fal-ai/wan/v2.2-a14b/video-to-video", "fal-ai/wan"),
        ("fal-ai/wan-25-preview/image-to-video", "fal-ai/wan-25-preview"),
        ("fal-ai/wan-i2v", "fal-ai/wan-i2v"),
    ],
)
def test_path_rule(endpoint: str, path: str) -> None:
    """A request lives under the first two segments of its endpoint."""
    assert requests_url(QUEUE + "/", endpoint, "id-1") == f"{QUEUE}/{path}/requests/id-1"


@pytest.mark.parametrize(
    "url",
    [
        "http://queue.fal.run/x",
        "https://queue.fal.run:444/x",
        "https://queue.fal.run.evil.example/x",
        "https://evil.example/https://queue.fal.run/",
        "https://queue.fal.run@evil.example/x",
        "https://evil.example\\@queue.fal.run/x",
        "https://queue.fal.run\\.evil.example/x",
        "https://queue.fal.run /x",
        "https://queue.fal.run/x\r\nX-A: b",
        "https://queue.fal.run:99999/x",
        "https:queue.fal.run/x",
        "//queue.fal.run/x",
        "https://queue。fal.run/x",
        "https://queue.fal.run/" + "x" * 3000,
        "",
    ],
)
def test_foreign(url: str) -> None:
    """A URL that some parser could read as another host does not count as fal's."""
    assert not same_origin(url, QUEUE)


def test_same() -> None:
    """Case and the default port do not matter."""
    assert same_origin("https://QUEUE.fal.run:443/a?b=c", QUEUE)
    assert same_origin("http://127.0.0.1:8421/a", "https://x.y", "http://127.0.0.1:8421/base")
    assert origin("http://[::1]:80/") == ("http", "::1", 80)


def test_stream_url() -> None:
    """The stream's URL is below the status URL, and asks for logs."""
    assert with_logs(stream_url("https://q/a/requests/1/status?x=1")) == "https://q/a/requests/1/status/stream?logs=1"
    assert with_logs("https://q/status?x=1") == "https://q/status?x=1&logs=1"
