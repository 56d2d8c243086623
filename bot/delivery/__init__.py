"""What people see of a job: the card's words, its paced edits and the finished video."""
