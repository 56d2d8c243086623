import httpx
import pytest

from bot.cards.result_file import from_fal
from bot.settings import FalSettings


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://v3.fal.media/files/a/b.mp4", True),
        ("http://v3.fal.media/files/a/b.mp4", False),
        ("http://127.0.0.1:9000/x.mp4", True),
        ("https://10.0.0.1/x.mp4", False),
        ("https://[::1]/x.mp4", False),
        ("https://localhost/x.mp4", False),
        ("https://db.internal/x.mp4", False),
        ("https://127.1/x.mp4", False),
        ("https://0x7f.0x1/x.mp4", False),
        ("https://a.localhost./x.mp4", False),
        ("ftp://v3.fal.media/x.mp4", False),
    ],
)
def test_results_come_from_public_hosts_or_configured_ones(url: str, *, allowed: bool) -> None:
    """A result is fetched over https from a public name, or from the host that the operator set for fal."""
    settings = FalSettings(queue_url="http://127.0.0.1:8421", rest_url="http://127.0.0.1:8421")
    assert from_fal(settings)(httpx.URL(url)) is allowed
