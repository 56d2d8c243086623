"""What a file may be and what it needs, decided from facts alone. Pure."""
