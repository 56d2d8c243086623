"""`/jobs`, and the buttons on the cards of unfinished jobs."""
