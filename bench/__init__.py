"""What `make bench` runs: the service, measured beside the least that Kafka and Python need for the same."""
