"""The embedded broker, what it knows, and its sample records, for a first try."""
