"""confluent_kafka: configuration, properties, the AdminClient, connection errors, and what all clients share."""
