"""The REST routes, by topic. `api` carries a request through checks, faults and limits to its handler."""
