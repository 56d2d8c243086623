"""Wanda's commands, buttons, forms and reactions: a folder for each feature."""
