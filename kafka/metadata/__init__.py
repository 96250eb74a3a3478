"""What the cluster knows.

topic          a topic: its partitions and its configuration
lookup         asks the cluster for one topic
topics         what was asked, kept for a few seconds
topic_listing  all topics, page by page
offsets        where partitions start and end, and where a time is in them
probe          whether the cluster can be used
"""
