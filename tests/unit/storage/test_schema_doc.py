from bot.storage.schema_doc import SCHEMA_DOC, schema_doc


def test_the_page_shows_the_tables_of_the_migrations() -> None:
    """docs/schema.sql is what every step together makes; `make readme` brings it up to date."""
    assert SCHEMA_DOC.read_text(encoding="utf-8") == schema_doc()
