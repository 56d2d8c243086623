"""A stand-in for Discord: gateway, REST API, CDN and control routes, on one loopback port."""

from sandbox.discord.server import DiscordSandbox

__all__ = ["DiscordSandbox"]
