"""What the operator's commands do: `python -m bot check` and `ledger`."""
