"""Random histories of jobs on both engines."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.settings import StorageSettings
from tests.support.history_engines import OnDisk
from tests.support.job_histories import JobMachine


@pytest.mark.hypothesis
def test_in_any_history_nobody_gets_more_than_they_were_given(store_settings: StorageSettings) -> None:
    """Whatever members, admins, fal, the operator and clocks do: budgets hold, sums are right, and every hold ends."""

    class Here(JobMachine, OnDisk):
        database = store_settings

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=settings().max_examples // 10,  # each example opens a database
            stateful_step_count=12,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
