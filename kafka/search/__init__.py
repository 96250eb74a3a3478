"""Records found by time, by position, or the newest, and counted by time."""
