"""A job's one Discord message: posted, edited at a pace, and given its video."""
