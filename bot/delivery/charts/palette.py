"""PURE. Colours and sizes of the pictures.

They are drawn for Discord's dark chat, opaque, so that they are as readable in its other themes. A phone shows them
400 pixels wide, so a size here is 2.5 times what is seen: 30 becomes 12. The colours are Okabe and Ito's, which people
with any of the common colour blindnesses tell apart, lightened for the dark; neighbours differ in lightness, too.
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
MODES = ("#56b4e9", "#f0a030", "#2fc597", "#f0e442", "#d98cba", "#8f9bff", "#c8ccd2")

SUM_SIZE = 60
TITLE_SIZE = 31
LABEL_SIZE = 29
