"""The embedded broker and its sample records, for a first try."""
