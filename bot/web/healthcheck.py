"""`python -m bot.web.healthcheck`: asks a running Wanda's /healthz, for Docker's HEALTHCHECK.

Exit status 0 says healthy. It uses the standard library alone, because it is started twice a minute.
"""

import json
import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4.5
SHIPPED_PORT = "8422"  # as in bot/settings.py, whose import would take ten times as long as the question
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - addresses that cannot be asked


def main() -> int:
    """Ask, print what is wrong, and return the exit status."""
    port = os.environ.get("WANDA_WEB_PORT") or SHIPPED_PORT
    if port == "0":
        print("/healthz is off (WANDA_WEB_PORT=0); Wanda watches herself all the same")  # noqa: T201 - docker shows it
        return 0
    host = os.environ.get("WANDA_WEB_HOST") or "127.0.0.1"
    try:
        with urllib.request.urlopen(f"http://{_EVERYWHERE.get(host, host)}:{port}/healthz", timeout=TIMEOUT_S):
            return 0
    except urllib.error.HTTPError as error:
        print(_wrong(error.read()))  # noqa: T201 - as above
    except OSError as error:
        print(f"/healthz cannot be reached: {error}")  # noqa: T201 - as above
    return 1


def _wrong(body: bytes) -> str:
    try:
        wrong: dict[str, str] = json.loads(body)["wrong"]
    except (ValueError, KeyError):
        return "/healthz did not answer as Wanda does"
    return " ".join(f"{name}: {sentence}" for name, sentence in wrong.items())


if __name__ == "__main__":
    sys.exit(main())
