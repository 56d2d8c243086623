"""What a job is: its model, state machine, transactions and queries. Pure."""
