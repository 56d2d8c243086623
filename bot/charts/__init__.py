"""Charts of money as plain data, scales and texts. Pure: `bot.drawing` turns them into pictures."""
