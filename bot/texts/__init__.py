"""The texts and cards that people read, as functions of plain data."""
