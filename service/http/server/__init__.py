"""What is between a socket and the application: one HTTP connection, and all of them together.

protocol      one connection: what a request's head and body may be, and how long each may take
connections   how many there may be, of one address and in all, and whose time is up
limits        the figures
answers       errors before the application is reached, as bytes
descriptors   how many files the process may open
"""

from __future__ import annotations
