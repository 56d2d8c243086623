"""The program: everything but the Discord commands, which are in `cogs`."""
