"""Drives jobs: performs the state machine's effects, and removes files that no job needs."""
