"""Processes with limits, for hostile files and for slow drawing."""
