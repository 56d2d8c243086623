"""The sheet that a picture is drawn on: text, rectangles and axes, in pixels from the lower left corner.

Text is drawn as it is, never as one of matplotlib's formulas, and only with characters that a font has.
"""
# matplotlib's stubs leave some types open.
# pyright: reportUnknownMemberType=false

import io
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bot.charts import palette
from bot.drawing.lettering import families, fit_width, plain_text, width_of

Marks: TypeAlias = Sequence[tuple[float, str]]
Point: TypeAlias = tuple[float, float]

_DPI = 72  # a point is a pixel
_BOTTOM = 76  # below the axes, for their labels
_TITLE_Y, _SUM_Y, _BESIDE_Y, _BELOW_Y = 46, 104, 112, 166  # from the upper edge
HEAD = 158  # height of the title and the sum
LINE = 46


class Sheet:
    """One picture, `palette.WIDTH` pixels wide and `height` high."""

    def __init__(self, height: int) -> None:
        self.height = height
        self._figure = Figure(figsize=(palette.WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=palette.GROUND)

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        file = io.BytesIO()
        FigureCanvasAgg(self._figure).print_png(file, metadata={"Software": None})
        return file.getvalue()

    def write(
        self,
        at: Point,
        said: str,
        *,
        colour: str = palette.INK,
        size: float = palette.LABEL_SIZE,
        bold: bool = False,
        ha: Literal["left", "right"] = "left",
    ) -> None:
        """Draw text, vertically centred on the point."""
        self._figure.text(
            *(at[0] / palette.WIDTH, at[1] / self.height, said),
            color=colour,
            fontsize=size,
            fontfamily=families(bold=bold),
            fontweight="bold" if bold else "normal",
            ha=ha,
            va="center_baseline",
            parse_math=False,
        )

    def block(self, at: Point, size: Point, colour: str) -> None:
        """Draw a filled rectangle with its lower left corner at the point."""
        self._figure.add_artist(Rectangle(at, *size, color=colour, linewidth=0, transform=None))

    def head(self, title: str, total: str, *, beside: str = "", colour: str = palette.QUIET) -> None:
        """Draw the title and, below it, the total with a few words beside it."""
        line = fit_width(plain_text(title), palette.WIDTH - 2 * palette.EDGE, palette.TITLE_SIZE)
        self.write((palette.EDGE, self.height - _TITLE_Y), line, colour=palette.QUIET, size=palette.TITLE_SIZE)
        self.write((palette.EDGE, self.height - _SUM_Y), total, size=palette.SUM_SIZE, bold=True)
        after = palette.EDGE + width_of(total, palette.SUM_SIZE, bold=True) + 20
        room = palette.WIDTH - palette.EDGE - after
        self.write((after, self.height - _BESIDE_Y), fit_width(beside, room, palette.LABEL_SIZE), colour=colour)

    def below_head(self, sentence: str, colour: str) -> None:
        """Draw a sentence on the line below the total, cut to the picture's width."""
        line = fit_width(plain_text(sentence), palette.WIDTH - 2 * palette.EDGE, palette.LABEL_SIZE)
        self.write((palette.EDGE, self.height - _BELOW_Y), line, colour=colour)

    def legend(self, rows: Sequence[Marks], colours: Sequence[str]) -> None:
        """Draw the rows of `legend_rows` below the total, each name after a square in its colour."""
        ink = iter(colours)
        for index, row in enumerate(rows):
            y = self.height - _BELOW_Y - index * LINE
            for x, label in row:
                self.block((x, y - 13), (26, 26), next(ink))
                self.write((x + 40, y), label)

    def axes(self, marks: Marks, *, lines_below_head: int = 0) -> Axes:
        """Return axes without a frame, with a grid line and a label at each of the marks."""
        left = palette.EDGE + max((width_of(name, palette.LABEL_SIZE) + 14 for _, name in marks), default=0.0)
        top = HEAD + lines_below_head * LINE
        box = (
            left / palette.WIDTH,
            _BOTTOM / self.height,
            (palette.WIDTH - left - palette.EDGE) / palette.WIDTH,
            (self.height - _BOTTOM - top) / self.height,
        )
        axes = self._figure.add_axes(box, facecolor="none")
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set(color=palette.GRID, linewidth=2)
        axes.grid(axis="y", color=palette.GRID, linewidth=2)
        axes.set_axisbelow(True)
        mark_axis(axes.yaxis, marks)
        return axes


def mark_axis(axis: Any, marks: Marks) -> None:
    """Set the ticks of an axis to these marks."""
    axis.set_ticks([at for at, _ in marks], [name for _, name in marks], parse_math=False)
    axis.set_tick_params(length=0, pad=12, labelsize=palette.LABEL_SIZE, labelcolor=palette.QUIET)


def explain_empty(axes: Axes, sentence: str) -> None:
    """Draw in the middle of empty axes why they are empty."""
    axes.text(
        *(0.5, 0.45, sentence),
        transform=axes.transAxes,
        color=palette.QUIET,
        fontsize=palette.TITLE_SIZE,
        ha="center",
        parse_math=False,
    )


def legend_rows(names: Sequence[str]) -> list[list[tuple[float, str]]]:
    """Return the rows of a legend as (x of the square, name); a name that does not fit begins the next row."""
    rows: list[list[tuple[float, str]]] = []
    x = float(palette.WIDTH)
    for name in names:
        label = fit_width(plain_text(name), palette.LEGEND_WIDTH, palette.LABEL_SIZE)
        ends = x + 40 + width_of(label, palette.LABEL_SIZE)
        if ends > palette.WIDTH - palette.EDGE:
            rows.append([])
            ends += palette.EDGE - x
            x = float(palette.EDGE)
        rows[-1].append((x, label))
        x = ends + 34
    return rows
