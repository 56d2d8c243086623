"""Colours and sizes of the pictures, in pixels.

The background is opaque, in the colour of Discord's dark theme, so that pictures are readable in every theme. A phone
shows them 400 pixels wide, so that a size of 30 appears as 12. The colours of the modes differ from each other and from
the background for people with any of the three kinds of colour blindness; a test checks this.
"""

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
MODES = ("#56b4e9", "#d78a1b", "#2d8678", "#facb29", "#9f4fd7", "#dfe2e6")

SUM_SIZE = 60
TITLE_SIZE = 31
LABEL_SIZE = 29
