"""The limit of *deliver*: plain sockets that download a result to disk and send it as the same edit.

No HTTP library, no JSON but what is sent, no database: only the transfer and the stand-ins' work are left. It blocks,
and runs in threads.
"""

import json
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BUFFER_BYTES = 1024 * 1024
BOUNDARY = "7c0d5a1e9b3f4d62"
_SAID = {"content": "Done", "attachments": [{"id": 0, "filename": "video.mp4"}]}


@dataclass(frozen=True, slots=True)
class Transfer:
    """One result: downloaded from `source` to the file `path`, and sent as an edit to `target`."""

    source: str
    path: Path
    target: str


def copy_all(transfers: Sequence[Transfer], *, at_once: int) -> None:
    """Run all transfers, `at_once` at a time.

    Raises:
        OSError: a connection or the disk failed, or a stand-in answered with an error.
    """
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(copy, transfers))


def copy(transfer: Transfer) -> None:
    """Download one result and send it from disk.

    Raises:
        OSError: as `copy_all`.
    """
    _fetch(transfer.source, transfer.path)
    _send(transfer.path, transfer.target)


def _fetch(url: str, path: Path) -> None:
    with _connected(url) as line, path.open("wb", buffering=0) as file:
        line.sendall(_head("GET", url, "Connection: close"))
        rest, size = _answer(line)
        file.write(rest)
        buffer = memoryview(bytearray(BUFFER_BYTES))
        size -= len(rest)
        while size > 0:
            got = line.recv_into(buffer)
            if not got:
                raise OSError(f"{size} bytes of {url} did not come")
            file.write(buffer[:got])
            size -= got


def _send(path: Path, url: str) -> None:
    before = _part('name="payload_json"', "application/json") + json.dumps(_SAID).encode() + b"\r\n"
    before += _part('name="files[0]"; filename="video.mp4"', "video/mp4")
    after = f"\r\n--{BOUNDARY}--\r\n".encode()
    size = len(before) + path.stat().st_size + len(after)
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    buffer = memoryview(bytearray(BUFFER_BYTES))
    with _connected(url) as line, path.open("rb", buffering=0) as file:
        line.sendall(_head("PATCH", url, kind, f"Content-Length: {size}", "Connection: close") + before)
        # Through memory, as the download: Discord uses TLS, which rules out sendfile.
        while got := file.readinto(buffer):
            line.sendall(buffer[:got])
        line.sendall(after)
        _answer(line)


def _part(disposition: str, kind: str) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n".encode()


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port))


def _head(method: str, url: str, *headers: str) -> bytes:
    parts = urlsplit(url)
    return "\r\n".join([f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *headers, "", ""]).encode()


def _answer(line: socket.socket) -> tuple[bytes, int]:
    """Return the first bytes of a successful answer's body, and the body's length."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = line.recv(BUFFER_BYTES)
        if not piece:
            raise OSError(f"the answer ended in its head: {got[:200]!r}")
        got += piece
    head, _, rest = got.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    if first.split()[1] != "200":
        raise OSError(f"{first}: {rest[:500]!r}")
    sizes = [text.partition(":")[2] for text in lines if text.lower().startswith("content-length:")]
    return rest, int(sizes[0])
