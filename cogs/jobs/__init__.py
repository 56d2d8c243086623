"""`/jobs`: a member's videos, listed, shown, cancelled and replayed."""
