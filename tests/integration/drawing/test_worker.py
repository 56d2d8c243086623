"""The drawing process is separate from the bot's."""

import os
import subprocess
import sys
from pathlib import Path

from bot.drawing.painter import WORKER


def test_bot_stays_small() -> None:
    """Importing the bot's side of drawing loads neither matplotlib nor numpy."""
    code = "import sys, bot.drawing.painter; print(sorted({'matplotlib', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"[]\n"


def test_leaves_nothing(tmp_path: Path) -> None:
    """matplotlib's folder for its font cache is deleted once the worker is ready."""
    command = [sys.executable, "-m", WORKER, "512", "10"]
    ready = subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"TMPDIR": str(tmp_path)}, input=b""
    )
    assert ready.stdout == b'{"ready": true}\n'
    assert list(tmp_path.iterdir()) == []
