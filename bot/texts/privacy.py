"""The texts of `/privacy`: what Wanda keeps about a member, the export, and the deletion."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.member_export import JobCounts
from bot.texts.button_ids import erasure_button_id
from bot.texts.card import AMBER, BLUE, Button, Card, Field, join_within
from bot.texts.plain import mebibytes, plain
from bot.units import counted

KEPT = "Nothing was deleted."
BUSY = "Wanda is packing somebody else's data right now. Try again in a few minutes."


def data_card(known: JobCounts, keep_days: int) -> Card:
    """Return the card about what Wanda keeps of this member, for how long, and how to get or delete it."""
    since = f", the first on <t:{int(known.first_at)}:D>" if known.first_at is not None else ""
    asked_for = f"**{counted(known.jobs, 'video')}** in {counted(known.servers, 'server')}{since}"
    kept = f"{asked_for}. Wanda still has the files of {known.with_files:,}."
    return Card(
        title="Your data",
        description=kept if known.jobs else "Wanda has no videos of yours.",
        fields=(
            Field(
                f"For {counted(keep_days, 'day')}",
                "The files you attached and your finished videos, so you can rerun them. Then Wanda deletes them.",
                inline=False,
            ),
            Field(
                "Until you delete it",
                "Each order: prompt, settings, seed, when and where, your roles at the time, and how it went. "
                "What you used of your allowance, what you chose in `/settings`, and your presets.",
                inline=False,
            ),
            Field(
                "Somewhere else",
                "fal makes the videos: it gets your prompt and files, and keeps results for about 7 days. "
                "A server's admins may log prompts in a channel. Messages in Discord stay until they're deleted there.",
                inline=False,
            ),
            Field(
                "What you can do",
                "`/privacy export` gives you all of it as a file, and `/privacy delete` deletes it.",
                inline=False,
            ),
        ),
        colour=BLUE,
    )


def deletion_card(known: JobCounts) -> Card:
    """Return the card that asks to confirm the deletion of the member's data."""
    return Card(
        title="Delete your data?",
        description=(
            f"Wanda forgets **{counted(known.jobs, 'video')}** of yours in every server: prompts, settings, seeds "
            "and files, "
            "even the copies in other people's reruns. "
            "This can't be undone, so get `/privacy export` first if you want to keep anything."
        ),
        fields=(
            Field(
                "What stays",
                "What each video cost, without your name; the rules that admins set for you; and the messages in "
                "Discord, whose buttons stop working. Delete those first if you want them gone; a prompt log is its "
                "admins' to delete.",
                inline=False,
            ),
            Field(
                "What changes",
                "Your allowance doesn't renew early: what you used still counts, under a number that only Wanda "
                "can work "
                "out from your id.",
                inline=False,
            ),
        ),
        colour=AMBER,
        buttons=(
            Button("Delete my data", "danger", erasure_button_id("yes")),
            Button("Keep it", "secondary", erasure_button_id("no")),
        ),
    )


def deletion_text(jobs: int) -> str:
    """Return the answer after the deletion of this number of jobs."""
    return f"Deleted: {counted(jobs, 'video')}, with all files. What they cost no longer has your name on it."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedPart:
    """Part `part` of `parts` of an export; `too_large` are (name, bytes) of files that fit into no part.

    `whole` is False if the lists lack the oldest jobs.
    """

    part: int
    parts: int
    too_large: Sequence[tuple[str, int]]
    whole: bool


def part_text(packed: PackedPart) -> str:
    """Return the message with this part of the export."""
    lines: list[str] = []
    if packed.parts == 1:
        lines.append("Here's your data: your orders, what they cost, and your files.")
    else:
        lines.append(f"Here's part {packed.part} of {packed.parts} of your data.")
        if packed.part < packed.parts:
            lines.append(f"Get the next one with `/privacy export part:{packed.part + 1}`.")
    if not packed.whole:
        lines.append("The lists can't hold everything, so the oldest videos are missing from them.")
    if packed.too_large:
        names = [f"{plain(name, 60)} ({mebibytes(size)})" for name, size in packed.too_large]
        lines.append(
            f"Left out, because Discord doesn't take files this large here: {join_within(names, 900, between=', ')}."
        )
    return "\n".join(lines)


def no_such_part(parts: int) -> str:
    """Return the refusal of a part that does not exist."""
    there = "is only part 1" if parts == 1 else f"are parts 1 to {parts}"
    return f"There {there} of your data. Choose one of these."


READ_ME = """This is what Wanda, a Discord bot, keeps about you.

jobs.jsonl     each video you asked for, one JSON object a line, newest first
money.csv      what each video cost and when, oldest first; dollars, times in UTC
rules.json     what admins gave you, the rules for you, what you chose in /settings, your presets, your films,
               what others can chip in for, and your votes that aren't counted yet
files/         what you attached and your finished videos, by the number on each card

Ids are Discord's. In JSON, times are seconds since 1970 (UTC), and amounts are millionths of a dollar.
"""
