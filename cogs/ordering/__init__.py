"""Turns a command or form into a job: attachments, quote, confirmation and the card's message."""
