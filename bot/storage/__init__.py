"""The Transaction protocol, its SQLite and PostgreSQL drivers, and the schema."""
