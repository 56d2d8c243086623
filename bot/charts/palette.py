"""Colours and sizes of the pictures, in pixels.

The background is opaque, in the colour of Discord's dark theme, so that pictures are readable in every theme. A phone
shows them 400 pixels wide, so that a size of 30 appears as 12. The colours of the modes differ from each other and from
the background for people with any of the three kinds of colour blindness; a test checks this.
"""

from collections.abc import Mapping
from zlib import crc32

WIDTH = 1000
HEIGHT = 560
EDGE = 36
LEGEND_WIDTH = 385  # of a mode's name, so that two fit into a row

GROUND = "#313338"
INK = "#f2f3f5"
QUIET = "#b5bac1"
GRID = "#45484f"

ACCENT = "#56b4e9"
ACCENT_DIM = "#4286b0"
WARNING = "#f0a030"
# A mode keeps its colour for ever, also after it left the catalogue. A new mode takes one of `SPARE_COLOURS`.
MODE_COLOURS: Mapping[str, str] = {
    "wan27-image": "#56b4e9",
    "wan27-reference": "#d78a1b",
    "wan25-image": "#2d8678",
    "wan22-video": "#facb29",
    "wan21-image": "#9f4fd7",
    "wan27-text": "#f830a0",
    "wan25-text": "#50f8a0",
    "wan27-edit": "#b85020",
}
SPARE_COLOURS = ("#a8b890", "#c0d0f8")
OTHERS = "#eef0f4"  # of modes drawn together, and of videos whose mode is not known any more

SUM_SIZE = 60
TITLE_SIZE = 31
LABEL_SIZE = 29


def mode_colour(mode_id: str) -> str:
    """Return the mode's colour; one without its own has a spare one, always the same."""
    if not mode_id:
        return OTHERS
    return MODE_COLOURS.get(mode_id) or SPARE_COLOURS[crc32(mode_id.encode()) % len(SPARE_COLOURS)]
