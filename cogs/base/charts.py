"""Charts in an answer: the embed is sent first, the images are added once they are drawn."""

import io
from collections.abc import Mapping, Sequence

import discord

from bot.charts.model import Chart
from bot.charts.text import chart_text
from bot.client import Interaction, requester_of

ALT_CHARS_MAX = 1024


async def show_charts(interaction: Interaction, embed: discord.Embed, charts: Mapping[str, Chart]) -> None:
    """Answer with the embed at once, then add the charts, each by its file name.

    A chart that cannot be drawn is left out; the embed has its numbers as text. Screen readers get the same text as
    the image's alternative text.
    """
    await interaction.edit_original_response(embed=embed)
    drawn: list[tuple[str, Chart, bytes]] = []
    for name, chart in charts.items():
        png = await interaction.client.services.painter.png(chart, requester_of(interaction))
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
    """Return one embed for each image: Discord shows several images of one embed as a mosaic and crops them."""
    panels = [embed, *(discord.Embed(colour=embed.colour) for _ in names[1:])]
    for panel, name in zip(panels, names, strict=True):
        panel.set_image(url=f"attachment://{name}")
    return panels
