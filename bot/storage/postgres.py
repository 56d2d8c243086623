"""The PostgreSQL driver: each transaction on a pooled connection of its own, READ COMMITTED.

Conditional updates carry the rules about money, so no stronger isolation is needed: under READ COMMITTED an UPDATE or an
ON CONFLICT DO UPDATE sees the newest committed row, and waits for whoever is changing it
(https://www.postgresql.org/docs/current/transaction-iso.html).
"""
