from pathlib import Path

import pytest

from bot.errors import StorageError
from bot.storage.migrate import Engine, Migration, migrations, split


def test_a_statement_ends_with_a_semicolon_at_the_end_of_a_line() -> None:
    """A semicolon inside a line is part of its statement, and comments of whole lines are left out."""
    text = "-- why; so\nCREATE TABLE a (x BIGINT);  \n\n  -- more\nCREATE TRIGGER t BEGIN SELECT ';'; END;\nSELECT 1"
    assert split(text) == (
        "CREATE TABLE a (x BIGINT)",
        "CREATE TRIGGER t BEGIN SELECT ';'; END",
        "SELECT 1",
    )


def test_steps_come_in_order_with_each_engines_own_part(tmp_path: Path) -> None:
    """A number's common file comes first, then that of the engine; other engines' files are not read."""
    (tmp_path / "0002_jobs.sql").write_text("B;\n")
    (tmp_path / "0001_ledger.sqlite.sql").write_text("A2;\n")
    (tmp_path / "0001_ledger.postgres.sql").write_text("A3;\n")
    (tmp_path / "0001_ledger.sql").write_text("A;\n")
    assert migrations("sqlite", tmp_path) == (Migration(1, ("A", "A2")), Migration(2, ("B",)))
    assert migrations("postgres", tmp_path) == (Migration(1, ("A", "A3")), Migration(2, ("B",)))


@pytest.mark.parametrize("name", ["1_short.sql", "ledger.sql", "0001_ledger.oracle.sql"])
def test_a_file_with_another_name_is_an_error(tmp_path: Path, name: str) -> None:
    """A step is never left out because its name was mistyped."""
    (tmp_path / name).write_text("A;\n")
    with pytest.raises(StorageError, match="is not named like"):
        migrations("sqlite", tmp_path)


def test_a_missing_number_is_an_error(tmp_path: Path) -> None:
    """Steps are numbered without gaps, so that a lost file is noticed."""
    (tmp_path / "0001_a.sql").write_text("A;\n")
    (tmp_path / "0003_c.sql").write_text("C;\n")
    with pytest.raises(StorageError, match="not numbered"):
        migrations("sqlite", tmp_path)


@pytest.mark.parametrize("other", ["0001_b.sql", "0001_b.sqlite.sql", "0001_b.postgres.sql"])
def test_two_steps_with_one_number_are_an_error(tmp_path: Path, other: str) -> None:
    """Two steps that were given the same number are never taken for one, whichever engine they are for."""
    (tmp_path / "0001_a.sql").write_text("A;\n")
    (tmp_path / other).write_text("B;\n")
    with pytest.raises(StorageError, match=r"number 0001: a and b\."):
        migrations("sqlite", tmp_path)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_real_schema_can_be_read(engine: Engine) -> None:
    """The schema that ships begins with the ledger, and every step has statements."""
    steps = migrations(engine)
    assert any("CREATE TABLE budgets" in statement for statement in steps[0].statements)
    assert all(step.statements for step in steps)
