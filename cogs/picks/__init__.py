"""The pick among drafts: its buttons, votes, and the video that the picked one becomes."""
