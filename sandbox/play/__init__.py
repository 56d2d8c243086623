"""The page to play with: the stand-ins, the real bot as a child process, and a page that shows them as Discord would.

The page adds no state of its own: it shows what `sandbox.discord` holds, as one person sees it, and acts through
`sandbox.discord.control`.
"""
