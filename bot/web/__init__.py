"""The small web server: health for the container."""
