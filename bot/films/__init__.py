"""Films: two to eight shots that are made one by one, or at once, and joined to one video."""
