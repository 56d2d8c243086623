"""Charts in a container whose file system is read-only but for the data folder (`docker run --read-only`)."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
READ_ONLY = """
    set -e
    mount -t tmpfs -o size=16m none "$1"
    mount -o remount,bind,ro /
    exec "$2" -c "$3" "$1"
"""
DRAW = """
    import asyncio, sys
    from datetime import date
    from pathlib import Path
    from bot.charts.model import SpendByDay
    from bot.drawing.painter import Painter
    from bot.settings import ChartSettings
    from bot.workers.environment import use_scratch
    from tests.support.job_samples import REQUESTER

    async def draw():
        chart = SpendByDay(title="Days", days=(date(2026, 11, 20),), microusd=(1_000_000,), allowance_microusd=None)
        async with Painter.of(ChartSettings(timeout_s=60)) as painter:
            return await painter.png(chart, REQUESTER)

    data = Path(sys.argv[1])
    use_scratch(data / "scratch")
    picture = asyncio.run(draw())
    print("drawn" if picture else "not drawn", sorted(path.name for path in data.rglob("*")))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system read-only")
def test_a_read_only_file_system(tmp_path: Path) -> None:
    """The font cache goes to the data folder while matplotlib loads, and nothing of it is left."""
    script = ["sh", "-c", textwrap.dedent(READ_ONLY), "sh", str(tmp_path), sys.executable, textwrap.dedent(DRAW)]
    done = subprocess.run(
        ["unshare", "--mount", *script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    if "Operation not permitted" in done.stderr or "permission denied" in done.stderr:
        pytest.skip("this container may not mount")
    assert done.stdout == "drawn ['scratch']\n", done.stderr
