"""The control surface: plain JSON under `/sandbox/`, to act as people, to look, and to shape the world."""
