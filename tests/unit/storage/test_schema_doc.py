import re

from bot.storage.schema_doc import SCHEMA_DOC, schema_doc


def test_the_page_shows_the_tables_of_the_migrations() -> None:
    """docs/schema.sql is what every step together makes; `make readme` brings it up to date."""
    assert SCHEMA_DOC.read_text(encoding="utf-8") == schema_doc()


def test_each_column_has_a_line_of_its_own() -> None:
    """Also one that a later step added; a table of one line is short enough to read."""
    within = [line for line in schema_doc().splitlines() if line.startswith("    ")]
    assert [line for line in within if re.search(r", \w+ (TEXT|BIGINT|DOUBLE)", line)] == []
    assert [line for line in schema_doc().splitlines() if line.startswith("CHECK")] == []
