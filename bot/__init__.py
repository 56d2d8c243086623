"""The program: everything but the Discord commands, which are in `cogs`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - before anything that an older Python cannot even read
    print(  # noqa: T201 - the operator has no other way to learn it
        "Wanda needs Python 3.11 or newer; %s is %d.%d." % (sys.executable, *sys.version_info[:2]),  # noqa: UP031 - as above
        file=sys.stderr,
    )
    raise SystemExit(2)

VERSION = "0.1.0"  # as in pyproject.toml
