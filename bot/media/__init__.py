"""Copies attachments, reads what they are in worker processes, and encodes files to fit a limit."""
