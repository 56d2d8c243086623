"""Pictures of money for Discord, the same as text, and the forecast that both tell.

`model` is what a chart shows, `text` the same in words, `drawing` the picture: matplotlib stays in `worker`'s process.
"""
