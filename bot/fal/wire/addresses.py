"""Which URLs may be sent the key, and the URLs of a request."""

import re
from urllib.parse import quote, urlsplit

from bot.errors import FalProtocolError
from bot.fal.wire.types import Handle

URL_MAX = 2048
WEBHOOK_PATH = "/fal/{job}/{mac}"  # of Wanda's own web server
FILE_URL_MAX = 16_384  # signed addresses are long
# No user part, backslash or space, so that no two parsers disagree about which part is the host.
_PLAIN = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:[/?][!-\[\]-~]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ALIAS_SEGMENTS = 2
# What may stand in an address as it is (https://www.rfc-editor.org/rfc/rfc3986#section-2), and "%" before two digits.
_KEPT_CHARS = "!#$&'()*+,-./:;=?@[]_~"
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def origin(url: str, *, chars_max: int = URL_MAX) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a plain absolute http(s) URL; None for anything else."""
    if len(url) > chars_max or not _PLAIN.fullmatch(url):
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


def request_handle(queue_url: str, endpoint: str, request_id: str) -> Handle:
    """Return the request with the documented URLs."""
    base = requests_url(queue_url, endpoint, request_id)
    return Handle(request_id=request_id, status_url=f"{base}/status", response_url=base, cancel_url=f"{base}/cancel")


def stream_url(status_url: str) -> str:
    """Return the URL of the event stream that belongs to a status URL."""
    base, _, _ = status_url.partition("?")
    return f"{base.rstrip('/')}/stream"


def with_logs(url: str) -> str:
    """Return `url` with the query that adds log lines to the reply."""
    return f"{url}{'&' if '?' in url else '?'}logs=1"


def file_url(value: object) -> str:
    """Return the address of a file in the form in which it can be requested.

    Spaces, letters beyond ASCII and whatever else may not stand in an address are percent-encoded; what is already
    encoded stays as it is, because it may be signed.

    Raises:
        FalProtocolError: it is no http(s) address, or longer than `FILE_URL_MAX`.
    """
    url = _encoded(value.strip()) if isinstance(value, str) and len(value) <= FILE_URL_MAX else ""
    if origin(url, chars_max=FILE_URL_MAX) is None:
        raise FalProtocolError("fal's reply holds no usable web address where one must stand")
    return url


def _encoded(url: str) -> str:
    scheme, slashes, rest = url.partition("://")
    host, cut, path = _split_host(rest)
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""
    whole = _BARE_PERCENT.sub("%25", path)
    return f"{scheme.lower()}{slashes}{host}{cut}{quote(whole, safe=f'{_KEPT_CHARS}%', errors='replace')}"


def _split_host(rest: str) -> tuple[str, str, str]:
    """Return what stands before the first "/" or "?", that character, and what stands after it."""
    found = re.search("[/?]", rest)
    return (rest, "", "") if found is None else (rest[: found.start()], found.group(), rest[found.end() :])


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
