"""Random histories of jobs on both engines."""

import pytest

from bot.settings import StorageSettings
from tests.support.chip_in_histories import ChipInMachine
from tests.support.history_engines import run_on_disk
from tests.support.set_histories import SetMachine


@pytest.mark.hypothesis
def test_in_any_history_nobody_gets_more_than_they_were_given(store_settings: StorageSettings) -> None:
    """Whatever members, admins, fal, the operator and clocks do: budgets hold, sums are right, and every hold ends."""
    run_on_disk(SetMachine, store_settings, examples_share=0.06, steps=12)


@pytest.mark.hypothesis
def test_in_any_history_of_chip_ins_everybody_pays_their_part_or_nothing(store_settings: StorageSettings) -> None:
    """Whatever members add, take back and cancel: every share ends once and with its job, by its member's budgets."""
    run_on_disk(ChipInMachine, store_settings, examples_share=0.03, steps=10)
