"""fal.ai over HTTP: its queue, its status streams and its storage."""
