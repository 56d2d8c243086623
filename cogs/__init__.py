"""Wanda's Discord face: one cog per Wan family, and the buttons on their results."""
