"""Everything that people read. Pure."""
