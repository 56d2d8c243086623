"""The modes and their prices: one pydantic model, in a file of its own, for each fal endpoint."""
