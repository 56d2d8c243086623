"""Charts of spending as plain data, with their scales and texts; `bot.drawing` draws them."""
