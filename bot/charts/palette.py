"""Colours and sizes of the pictures.

They are drawn for Discord's dark chat, opaque, so that they are as readable in its other themes. A phone shows them
400 pixels wide, so a size here is 2.5 times what is seen: 30 becomes 12. The modes' colours were searched for: also
people with any of the three colour blindnesses tell each from every other, and each from the ground. A test holds it.
"""

WIDTH = 1000
HEIGHT = 560
EDGE = 36
LEGEND_WIDTH = 385  # of a mode's name: two fit into a row

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
