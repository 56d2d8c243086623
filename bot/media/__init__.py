"""What an attachment really is, found out without trusting it."""
