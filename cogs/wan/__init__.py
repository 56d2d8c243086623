"""The slash commands, one group for each Wan family, generated from the catalogue."""
