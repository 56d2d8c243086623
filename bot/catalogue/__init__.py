"""What can be filmed and what it costs: one file per fal endpoint. Pure."""
