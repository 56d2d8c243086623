"""fal's queue: its protocol as pure functions, and a thin httpx shell."""
