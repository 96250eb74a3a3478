"""Records found by time, by position, or the newest, and counted by time.

selection   what a search is asked, and what it answers
query       plans a search, and bounds it
scanners    threads with a Consumer each
scan        one search in such a thread
streams     one partition, read on demand
merge       partitions side by side, in the order of time
order       the order of records in time
time_index  where a range of times is in a log
histogram   counts records by time
"""
