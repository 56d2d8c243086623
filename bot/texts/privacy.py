"""The texts of `/privacy`: what Wanda keeps about a member, the export, and the deletion."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.member_export import JobCounts
from bot.texts.button_ids import erasure_button_id
from bot.texts.card import Button, Card, Field, join_within
from bot.texts.job_card import AMBER, BLUE
from bot.texts.plain import mebibytes, plain
from bot.units import counted

KEPT = "Nothing was deleted."
BUSY = "Wanda is packing other data right now. Ask again in a few minutes."


def data_card(known: JobCounts, keep_days: int) -> Card:
    """Return the card about what Wanda keeps of this member, for how long, and how to get or delete it."""
    since = f", the first <t:{int(known.first_at)}:D>" if known.first_at is not None else ""
    asked_for = f"**{counted(known.jobs, 'video')}** in {counted(known.servers, 'server')}{since}"
    kept = f"{asked_for}; files of {known.with_files:,} of them are still here."
    return Card(
        title="Your data",
        description=kept if known.jobs else "Wanda knows of no video of yours.",
        fields=(
            Field(
                f"For {counted(keep_days, 'day')}",
                "The files that you attached and the videos that were made, so that a rerun finds them. "
                "Then they are removed from Wanda's disk.",
                inline=False,
            ),
            Field(
                "Until you delete it",
                "What you asked for: prompt, settings, seed, when and where, your roles at that moment, and how it "
                "ended. And what you used of your allowance.",
                inline=False,
            ),
            Field(
                "Somewhere else",
                "fal makes the videos: it gets your prompt and your files, and keeps results about 7 days. "
                "The messages stand in Discord until they are deleted there.",
                inline=False,
            ),
            Field(
                "What you can do",
                "`/privacy export` gives you all of it as a file; `/privacy delete` removes it.",
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
            f"Wanda forgets **{counted(known.jobs, 'video')}** of yours in every server: prompts, settings, seeds, and "
            "all files on her disk, also the copies in other members' reruns of your videos. "
            "This cannot be undone; get `/privacy export` first if you want to keep anything."
        ),
        fields=(
            Field(
                "What stays",
                "The amounts in the servers' books, without your name; the rules that admins set about you; and the "
                "messages in Discord, where the buttons below your videos no longer work. Delete those first if you "
                "want them gone.",
                inline=False,
            ),
            Field(
                "What changes",
                "Nothing renews earlier: what you used of your allowance still counts, under a number that only Wanda "
                "can compute from your id.",
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
    return f"Deleted: {counted(jobs, 'video')}, with all files. The amounts in the books have lost your name."


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
        lines.append("Here is your data: what you asked for, how your money moved, and your files.")
    else:
        lines.append(f"Here is part {packed.part} of {packed.parts} of your data.")
        if packed.part < packed.parts:
            lines.append(f"Ask for the next one with `/privacy export part:{packed.part + 1}`.")
    if not packed.whole:
        lines.append("There is more than fits into the lists, so the oldest jobs are missing in them.")
    if packed.too_large:
        names = [f"{plain(name, 60)} ({mebibytes(size)})" for name, size in packed.too_large]
        lines.append(f"Too large for Discord here, and so left out: {join_within(names, 900, between=', ')}.")
    return "\n".join(lines)


def no_such_part(parts: int) -> str:
    """Return the refusal of a part that does not exist."""
    there = "There is only part 1" if parts == 1 else f"There are parts 1 to {parts}"
    return f"{there} of your data. Ask for one of these."


READ_ME = """This is what Wanda, a Discord bot, keeps about you.

jobs.jsonl     each video that you asked for, one JSON object a line, the newest first
money.csv      how your money moved, the oldest first; amounts in dollars, times in UTC
rules.json     what you were granted, and the rules that hold for you
files/         what you attached and what was made, by the number that each card shows

Ids are Discord's. Times in JSON are seconds since 1970 (UTC), amounts millionths of a dollar.
"""
