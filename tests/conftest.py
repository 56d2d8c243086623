"""What holds for every test: one timezone database, and property tests that try the same examples on every run."""

import os
import zoneinfo

import pytest
from hypothesis import settings

# The machine's own timezones differ from machine to machine; tzdata is pinned in requirements.lock. The variable is
# for the processes that tests start.
os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath(to=())

settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("fuzz", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("suite")

pytest.register_assert_rewrite("tests.support")  # so that a helper's failed assertion shows its values
