"""fal's protocol: bytes and JSON to values and typed errors, and back. Pure."""
