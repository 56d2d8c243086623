"""A stand-in for Discord: gateway, REST, CDN and a control surface, on one loopback port."""

from sandbox.discord.server import DiscordSandbox

__all__ = ["DiscordSandbox"]
