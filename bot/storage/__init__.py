"""The Transaction protocol and its two drivers, SQLite and PostgreSQL."""
