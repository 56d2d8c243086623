"""Base classes and helpers of all cogs: commands, buttons, forms, pages, charts and background loops."""
