"""Which URLs may be sent the key, and the URLs of a request."""

import re
from urllib.parse import urlsplit

from bot.errors import FalProtocolError

URL_MAX = 2048
# No user part, backslash or space, so that no two parsers disagree about which part is the host.
_PLAIN = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:[/?][!-\[\]-~]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ALIAS_SEGMENTS = 2


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a plain absolute http(s) URL; None for anything else."""
    if len(url) > URL_MAX or not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        return None
    return (parts.scheme, parts.hostname.lower(), port) if parts.hostname else None


def same_origin(url: str, *bases: str) -> bool:
    """Return whether `url` has the scheme, host and port of one of the configured `bases`."""
    found = origin(url)
    return found is not None and any(found == origin(base) for base in bases)


def requests_url(queue_url: str, endpoint: str, request_id: str) -> str:
    """Return a request's URL: under the first two segments of its endpoint, because the full path answers 405."""
    alias = "/".join(endpoint.strip("/").split("/")[:_ALIAS_SEGMENTS])
    return f"{queue_url.rstrip('/')}/{alias}/requests/{request_id}"


def stream_url(status_url: str) -> str:
    """Return the URL of the event stream that belongs to a status URL."""
    base, _, _ = status_url.partition("?")
    return f"{base.rstrip('/')}/stream"


def with_logs(url: str) -> str:
    """Return `url` with the query that adds log lines to the reply."""
    return f"{url}{'&' if '?' in url else '?'}logs=1"


def web_url(url: str | None, *, rest_url: str | None = None) -> str:
    """Return `url` if it is a plain web address; with `rest_url`, http is allowed only if `rest_url` is http too.

    Raises:
        FalProtocolError: it is not.
    """
    found = origin(url) if url is not None else None
    if url is None or found is None:
        raise FalProtocolError("fal's reply holds no usable web address where one must stand")
    if rest_url is not None and found[0] != "https" and not rest_url.startswith("http://"):
        raise FalProtocolError("fal's storage named an address without TLS")
    return url
