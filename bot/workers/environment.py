"""What every child process of the bot gets: an environment from an allow-list, and Python's own files."""

import os
import sys
import tempfile
from pathlib import Path

# What Python and ffmpeg need to start and to find their libraries; no keys and no addresses.
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
_PACKAGES = {"site-packages", "dist-packages"}


def child_environment(**more: str) -> dict[str, str]:
    """Return the environment of a child process: the few variables that it needs, and `more`."""
    scratch = {} if tempfile.tempdir is None else {"TMPDIR": str(tempfile.tempdir)}
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | scratch | more


def use_scratch(folder: Path) -> None:
    """Have this process and its children make temporary files in this folder, which is created.

    In a container with a read-only file system no other folder can be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(folder.absolute())


def package_folders() -> list[Path]:
    """Return the folders that installed packages are imported from."""
    return [Path(entry) for entry in sys.path if Path(entry).name in _PACKAGES]


def python_files() -> list[Path]:
    """Return what a Python process reads of its own installation and of this program, none of it data."""
    own = [Path(os.__file__).parent, Path(sys.base_prefix) / "lib", Path(sys.prefix) / "pyvenv.cfg"]
    return [*package_folders(), *own, Path(__file__).resolve().parents[1]]
