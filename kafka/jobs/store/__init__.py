"""The compacted topic that holds jobs.

topic   creates it, and checks whether it is fit
tail    reads some of its partitions, and folds their records into jobs
view    reads all of it, for processes that run no jobs
client  waits for what was read, and writes what clients ask for
"""
