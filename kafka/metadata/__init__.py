"""What the cluster knows: topics, offsets, listings, and whether the cluster can be used."""
