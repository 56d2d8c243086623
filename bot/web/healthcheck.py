"""`python -m bot.web.healthcheck`: asks a running Wanda's /healthz, for Docker's HEALTHCHECK.

Exit status 0 says that she is alive: also while she starts or stands by, which no restart would change. Why she is not
ready is printed. It uses the standard library alone, because it is started twice a minute.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

TIMEOUT_S = 4.5
SHIPPED_PORT = "8422"  # as in bot/settings/running.py, whose import would take ten times as long as the question
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - addresses that cannot be asked


def main() -> int:
    """Ask, print what is wrong, and return the exit status."""
    port = os.environ.get("WANDA_WEB_PORT") or SHIPPED_PORT
    if port == "0":
        print("there is no web server (WANDA_WEB_PORT=0); Wanda watches herself all the same")  # noqa: T201 - docker shows it
        return 0
    host = os.environ.get("WANDA_WEB_HOST") or "127.0.0.1"
    address = f"{_EVERYWHERE.get(host, host)}:{port}"
    deadline = time.monotonic() + TIMEOUT_S
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=TIMEOUT_S):
            pass
    except OSError as error:
        print(f"/healthz cannot be reached: {error}")  # noqa: T201 - as above
        return 1
    print(_readiness(address, timeout_s=max(deadline - time.monotonic(), 0.1)))  # noqa: T201 - as above
    return 0


def _readiness(address: str, *, timeout_s: float) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=timeout_s):
            return "ready"
    except urllib.error.HTTPError as error:
        return f"not ready: {_wrong(error.read())}"
    except OSError as error:
        return f"not ready: /readyz cannot be reached: {error}"


def _wrong(body: bytes) -> str:
    try:
        wrong: dict[str, str] = json.loads(body)["wrong"]
    except (ValueError, KeyError):
        return "/readyz did not answer as Wanda does"
    return " ".join(f"{name}: {sentence}" for name, sentence in wrong.items())


if __name__ == "__main__":
    sys.exit(main())
