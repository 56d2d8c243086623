"""The README's two tables, made from the code; `make readme` writes them and a test holds the file to them."""

from pathlib import Path

from bot.catalogue.readme_table import mode_table_markdown
from bot.settings import settings_table_markdown

README = Path(__file__).resolve().parent.parent / "README.md"


def with_tables(text: str) -> str:
    """Return the README's text with both tables as the code has them.

    Raises:
        ValueError: a marker is missing.
    """
    for name, table in (("modes", mode_table_markdown()), ("settings", settings_table_markdown())):
        begin, end = f"<!-- {name}: begin (make readme) -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the README has no markers for the table of {name}")
        text = f"{before}{begin}\n{table}{end}{after}"
    return text


def write() -> None:
    """Bring the README's tables up to date."""
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
