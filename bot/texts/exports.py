"""The words of a server's export, and the message with its files."""

from collections.abc import Mapping, Sequence

from bot.ledger.model import Spent
from bot.units import counted

FORMER_MEMBER = "a former member"
GONE_CHANNEL = "a deleted channel"
BUDGETS: Mapping[str, str] = {
    "cap": "operator's cap",
    "all": "operator's cap",
}  # of a scope's kind; the others are words


def charged_to(spent: Spent) -> str:
    """Return who paid for a video: "member", "server", "member and server", or "nobody"; "" while it is not known."""
    if spent.state in {"held", "exposed"}:
        return ""
    # A member's payment counts for the server's budget too; what is above it is the server's alone.
    parts = ["member"] if spent.member_microusd else []
    parts += ["server"] if spent.server_microusd > spent.member_microusd else []
    return " and ".join(parts) or "nobody"


def export_text(files: Sequence[tuple[str, int, bool]], days: int | None) -> str:
    """Return the message for these files, each (name, rows, whether it is complete); `days` is None for all time."""
    when = "everything" if days is None else f"the last {counted(days, 'day')}"
    listed = " and ".join(f"**{name}** ({counted(rows, 'row')})" for name, rows, _ in files)
    lines = [f"Here's {when}, oldest first: {listed}. Amounts are in dollars, times in UTC."]
    cut = [name for name, _, whole in files if not whole]
    if cut:
        lines.append(
            f"{' and '.join(cut)} got too large, so the newest rows are missing. Ask for fewer days to get those."
        )
    return "\n".join(lines)
