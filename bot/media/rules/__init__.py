"""Decides from facts alone what a file is and what must be done to make it fit; no I/O."""
