"""What every cog is built from: commands, buttons, forms, pages, charts and background loops."""
