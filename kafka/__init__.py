"""The worker: all that touches a broker, and nothing about HTTP."""
