"""The operator's commands `python -m bot check` and `python -m bot ledger`."""
