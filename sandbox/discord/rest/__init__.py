"""The REST routes, by topic. `api` takes a request through authorisation, faults and rate limits to its handler."""
