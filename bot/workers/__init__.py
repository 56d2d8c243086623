"""Work kept out of the bot's own process: hostile files are read, and pictures drawn, in processes aside."""
