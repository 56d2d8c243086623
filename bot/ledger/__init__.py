"""Budgets, rules, grants, holds, settlements and the audit, in integer micro-dollars."""
