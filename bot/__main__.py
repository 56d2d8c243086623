"""`python -m bot`: runs the command line, or says which package is missing."""

import sys

USAGE_ERROR = 2  # as argparse exits


def main() -> int:
    """Run one command and return the exit status; see `bot.command_line.main`."""
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
