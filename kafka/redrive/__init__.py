"""Dead letters go back to where they came from."""
