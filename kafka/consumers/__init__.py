"""How far consumer groups have committed: past which copies, or in which topic. None is joined, nothing is committed.

committed  asks what one group has committed
passed     how many copies lie before that: pure
service    for one group or for those that the cluster names, within bounds
"""
