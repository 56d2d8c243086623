"""A process with the bot's protection that has itself attacked.

`python -m tests.support.attacked_bot <folder> <layer…>` runs as any user, on a machine whose kernel refuses the layers
that are named, and prints as JSON what the kernel offers (`states`) and what each of the hostile workers achieved.
"""

import asyncio
import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import seccompy

from bot.configuration import forget_environment, read_settings
from bot.workers.environment import python_files
from bot.workers.pool import Workers
from bot.workers.protection import protect
from bot.workers.run_once import FileAccess, RunLimits, run_once
from tests.support import hostile_worker
from tests.support.job_samples import REQUESTER

LIMITS = RunLimits(memory_mib=512, cpu_s=20, file_mib=1, timeout_s=60)
# The system calls of each layer, which this process's kernel refuses as a container's profile does.
CALLS = {"namespaces": ["unshare"], "files": [444, 445, 446], "system calls": ["seccomp"]}
EVERYTHING = "everything"


async def main() -> None:
    """Prepare the folder, run every attack, and print the outcomes."""
    folder, without = Path(sys.argv[1]), sys.argv[2:]
    own = _fill(folder)
    read_settings()
    forget_environment(os.environ)
    secret = ctypes.create_string_buffer(b"very-secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = {
            "bot": os.getpid(),
            "folder": str(folder),
            "own": str(own),
            "port": server.getsockname()[1],
            "secret_at": ctypes.addressof(secret),
        }
        if without == [EVERYTHING]:
            print(json.dumps({"unprotected": await _unprotected(target)}))  # noqa: T201 - the answer
            return
        _refuse(without)
        states = {state.name: state.holds for state in protect()}
        outcomes = {"states": states, "pool": await _pool(target), "launcher": await _launcher(target)}
        print(json.dumps(outcomes))  # noqa: T201 - the answer


def _fill(folder: Path) -> Path:
    """Write what is worth stealing, and return the file that the worker may read."""
    (folder / "inputs").mkdir()
    for name in ("wanda.db", ".env", "inputs/other", "inputs/own"):
        (folder / name).write_text("very-secret")
    return folder / "inputs" / "own"


def _refuse(layers: list[str]) -> None:
    """Make this process's kernel one that lacks these layers."""
    # Last what loads these filters.
    for layer in sorted(layers, key=["namespaces", "files", "system calls"].index):
        lacking = seccompy.Filter()
        for call in CALLS[layer]:
            lacking.errno(call, errno.EPERM)
        lacking.load()


async def _pool(target: Mapping[str, object]) -> dict[str, str]:
    workers = Workers("tests.support.hostile_worker", at_once=1, memory_mib=512, timeout_s=60)
    try:
        return await workers.ask(target, REQUESTER)
    finally:
        await workers.close()


async def _launcher(target: Mapping[str, object]) -> dict[str, str]:
    lines: list[str] = []
    body = Path(hostile_worker.__file__)
    command = [sys.executable, "-I", str(body), json.dumps(target)]
    files = FileAccess(read=[*python_files(), body, Path(str(target["own"]))])
    await run_once(command, LIMITS, files, on_line=lines.append)
    return json.loads(lines[-1])


async def _unprotected(target: Mapping[str, object]) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", hostile_worker.__file__, json.dumps(target)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return json.loads(output)


if __name__ == "__main__":
    asyncio.run(main())
