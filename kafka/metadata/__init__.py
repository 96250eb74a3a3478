"""What the cluster knows.

protocol        what can be asked; kafka.demo.metadata asks the embedded broker
kafka_metadata  asks a real cluster: for topics, and where partitions start and end, and where a time is in them
probe           whether a real cluster can be used
topic           a topic: its partitions and its configuration
topics          what was asked of topics, kept for a few seconds
topic_listing   all topics, page by page
"""
