"""The modes and what they cost: one pydantic model, in one file, for each fal endpoint. Pure."""
