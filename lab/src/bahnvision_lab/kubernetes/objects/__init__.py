"""What an object is: its schema, its defaults, and what the real API server refuses of it."""
