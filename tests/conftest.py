"""What holds for every test: one timezone database, and property tests that try the same examples on every run."""

import os
import sys
import zoneinfo

import pytest
from hypothesis import settings

# The machine's own timezones differ from machine to machine; tzdata is pinned in requirements.lock. The variable is
# for the processes that tests start.
os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath(to=())

# Where Python keeps no bytecode, each of the hundreds of processes that tests start would compile the program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("fuzz", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("suite")

pytest.register_assert_rewrite("tests.support")  # so that a helper's failed assertion shows its values
