"""`python -m bot`: runs the command line, or says which package is missing."""

import contextlib
import errno
import io
import os
import sys

USAGE_ERROR = 2  # as argparse exits
INTERRUPTED = 130  # as a shell tells SIGINT


def main() -> int:
    """Run one command and return the exit status, once its output is written; see `bot.command_line.main`.

    Output that nobody reads to its end, or cannot be written, and an interruption end it with no traceback.
    """
    _write_what_can_be_written()
    try:
        try:
            return _run()
        finally:
            if sys.stdout is not None:  # it is None where standard output is closed
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if error.errno not in {errno.EPIPE, errno.ENOSPC} or not _is_output_stuck():
            raise
        # What is left of the output would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.ENOSPC:
            print(f"The output could not be written: {error.strerror}.", file=sys.stderr)
        return 1


def _is_output_stuck() -> bool:
    """Return whether it was the output that failed: then the end of a line cannot be written either."""
    try:
        print(flush=True)
    except OSError:
        return True
    return False


def _write_what_can_be_written() -> None:
    """Let a character that the terminal's encoding lacks, and half of one in a file's name, stop no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError):  # of a file that was made a pipe since: Python still asks where it is
                stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        from bot.command_line import main as run_command  # noqa: PLC0415 - its import may fail

        return run_command()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in {"bot", "cogs"}:
            raise
        print(_missing(error.name), file=sys.stderr)
        return USAGE_ERROR


def _missing(module: str) -> str:
    return (
        f"The Python package {module.partition('.')[0]} is not installed for {sys.executable}. Use the environment "
        "that `make demo` sets up (.venv/bin/python -m bot …), or run: pip install --requirement requirements.lock"
    )


if __name__ == "__main__":
    sys.exit(main())
