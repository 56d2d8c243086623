"""What addresses and keys must look like; a refusal does not repeat the value, which may be secret."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr


def _address(schemes: Iterable[str]) -> AfterValidator:
    """Refuse anything but `scheme://host…`; the sentence does not repeat the value, which may hold a password."""
    written = " or ".join(f"{scheme}://" for scheme in schemes)

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            example = f"{next(iter(schemes))}://wanda.example.com"
            raise ValueError(f"write it with its scheme and host, beginning with {written}, for example {example}")
        return value

    return AfterValidator(check)


def _one_word(value: SecretStr) -> SecretStr:
    """Refuse what is no token: one in quotes, with a line break, or pasted together with something else."""
    word = value.get_secret_value()
    if not word.isascii() or not word.isprintable() or any(character in word for character in " \"'"):
        raise ValueError(
            "it has a space, a quote, a line break or a letter that no key has; copy it again, alone, on one line"
        )
    return value


def _reachable_by_others(value: str) -> str:
    """Refuse an address without TLS, unless it is this machine's, and what cannot be the beginning of others."""
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(
            "write only its host and, if need be, a path, for example https://wanda.example.com: no user, no ? and no #"
        )
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("write it as https://wanda.example.com, because what is sent there is not for others")
    return value


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


WebAddress: TypeAlias = Annotated[str, _address(("https", "http"))]
PublicAddress: TypeAlias = Annotated[WebAddress, AfterValidator(_reachable_by_others)]
SocketAddress: TypeAlias = Annotated[str, _address(("wss", "ws"))]
Key: TypeAlias = Annotated[SecretStr, AfterValidator(_one_word)]
