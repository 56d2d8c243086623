"""A member's and a server's data as ZIP files of CSV, JSON and media."""
