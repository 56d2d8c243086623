"""The message with the files of a server's export."""

from collections.abc import Sequence

from bot.units import counted


def export_text(files: Sequence[tuple[str, int, bool]], days: int | None) -> str:
    """Return the message for these files, each (name, rows, whether it is complete); `days` is None for all time."""
    when = "everything" if days is None else f"the last {counted(days, 'day')}"
    listed = ", ".join(f"**{name}** ({counted(rows, 'row')})" for name, rows, _ in files)
    lines = [f"Here is {when}, the oldest first: {listed}. Amounts are in dollars, times in UTC."]
    cut = [name for name, _, whole in files if not whole]
    if cut:
        lines.append(
            f"{' and '.join(cut)} became too large and {'ends' if len(cut) == 1 else 'end'} early, so the newest rows "
            "are missing. Ask for fewer days to get those."
        )
    return "\n".join(lines)
