"""`python -m sandbox play` on a port that it cannot have."""

import asyncio
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


async def test_a_port_that_is_taken_is_named() -> None:
    """It says which port and what to do, and ends what it began."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "play", "--no-browser", "--port", port,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert f"Port {port} cannot be used" in err.decode()
