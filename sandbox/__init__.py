"""A stand-in world on loopback: Discord and fal as the bot meets them, and the demo that runs on both."""
