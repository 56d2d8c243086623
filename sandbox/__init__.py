"""Stand-ins for Discord and fal on loopback, and the demo that runs on both."""
