"""Pictures in an answer: the words come first, and the pictures are put below them once they are drawn."""

import io
from collections.abc import Mapping, Sequence

import discord

from bot.charts.model import Chart
from bot.charts.text import chart_text
from bot.client import Interaction

ALT_CHARS_MAX = 1024


async def show(interaction: Interaction, embed: discord.Embed, charts: Mapping[str, Chart]) -> None:
    """Answer with the panel at once, then with the charts below it, each by its file name.

    A chart that could not be drawn is left out; its words stand in the panel anyway, and beside the picture as what
    is read aloud to people who cannot see it.
    """
    await interaction.edit_original_response(embed=embed)
    drawn: list[tuple[str, Chart, bytes]] = []
    for name, chart in charts.items():
        png = await interaction.client.services.painter.png(chart)
        if png is not None:
            drawn.append((name, chart, png))
    if drawn:
        files = [
            discord.File(io.BytesIO(png), filename=name, description=chart_text(chart)[:ALT_CHARS_MAX])
            for name, chart, png in drawn
        ]
        await interaction.edit_original_response(
            embeds=_with_images(embed, [name for name, _, _ in drawn]), attachments=files
        )


def _with_images(embed: discord.Embed, names: Sequence[str]) -> list[discord.Embed]:
    """Return the panel with the first picture in it, and a panel for each of the others: a mosaic would cut them."""
    panels = [embed, *(discord.Embed(colour=embed.colour) for _ in names[1:])]
    for panel, name in zip(panels, names, strict=True):
        panel.set_image(url=f"attachment://{name}")
    return panels
