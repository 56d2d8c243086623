"""The web server, and whether Wanda lives and is ready, for containers and monitoring."""
