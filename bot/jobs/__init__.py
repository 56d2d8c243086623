"""A job's life: the pure machine, its transactions, and the runner that performs its effects."""
