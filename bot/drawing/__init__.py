"""Charts as PNG pictures, drawn with matplotlib in a worker process."""
