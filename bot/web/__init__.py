"""The web server: the health check for containers and monitoring."""
