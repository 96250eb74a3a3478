"""One record: read at its position, copied, written."""
