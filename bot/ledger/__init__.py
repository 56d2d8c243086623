"""Budgets, holds and entries, in integer micro-dollars."""
