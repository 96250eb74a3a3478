"""The compacted topic that holds jobs.

topic   creates it and reads one of its partitions to the end
view    reads all of it, for processes that run no jobs
"""
