"""The drawing process: `python -m bot.drawing.worker <memory MiB> <seconds>`; `bot.workers.pool` starts it.

Each request is one line of JSON, a chart as `bot.charts.model.to_wire` returns it. The answer is one line too:
`{"png": base64}` or `{"error": message}`.
"""

import base64
import os
import tempfile
from typing import Any

from bot.workers.child import Answer, serve


def main() -> None:
    """Answer requests from standard input until it ends."""
    serve(_load)


def _load() -> Answer:
    """Import matplotlib with a temporary folder for its font cache, and return the function that draws."""
    with tempfile.TemporaryDirectory(prefix="wanda-charts-") as folder:
        # OpenBLAS reserves memory per thread, one per core, and the memory limit counts it.
        os.environ |= {"MPLCONFIGDIR": folder, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}
        from bot.charts.model import from_wire  # noqa: PLC0415 - as above
        from bot.drawing.lettering import open_fonts  # noqa: PLC0415 - as above
        from bot.drawing.pictures import png  # noqa: PLC0415 - as above

        open_fonts()  # once, not in each request's child

    def answer(request: dict[str, Any]) -> dict[str, str]:
        try:
            return {"png": base64.b64encode(png(from_wire(request))).decode()}
        except Exception as error:  # noqa: BLE001 - the bot logs every error
            return {"error": f"{type(error).__name__}: {error}"[:500]}

    return answer


if __name__ == "__main__":
    main()
