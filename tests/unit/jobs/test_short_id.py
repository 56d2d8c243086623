"""The short id of a job: unambiguous to read and to type."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.short_id import SHORT_ID_CHARS, id_patterns, short_id


@given(number=st.integers(0, 16**32 - 1))
def test_a_job_is_found_by_what_people_see_of_it(number: int) -> None:
    """Its id, its short id in any case and with letters misread, and the first digits that older messages show."""
    job_id = f"{number:032x}"
    short = short_id(job_id)
    assert len(short) == SHORT_ID_CHARS
    misread = short.replace("0", "O").replace("1", "l")
    for typed in (job_id, f" job {short} ", short.upper(), misread, job_id[:8], job_id[:31]):
        patterns = id_patterns(typed)
        assert any(re.fullmatch(pattern.replace("%", ".*"), job_id) for pattern in patterns), typed


@pytest.mark.parametrize(
    "typed", ["", "%", "_", "abc", "job", "u2345678", "123456789z", "g" * 32, "a" * 33, "½2345678"]
)
def test_what_is_no_number_names_no_job(typed: str) -> None:
    """Nothing that LIKE would take for a wildcard reaches a query."""
    assert id_patterns(typed) == ()


def test_an_id_of_another_form_is_shown_whole() -> None:
    """The books of an older database may name a job otherwise."""
    assert short_id("job-1") == "job-1"
