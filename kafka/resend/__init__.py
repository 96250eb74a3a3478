"""One record: read at its position, copied, written.

service          all of it, and what may be resent
reader           many positions at once, for an event loop
reader_thread    one Consumer and the positions assigned to it
read_queue       the positions that wait
missing_records  why there is no record at a position
offset_bounds    where a partition begins and ends
writer           one record at a time, in batches of one or few, tried again where nothing was taken
producer_thread  one Producer and its reports
admission        what a quota lets through in time
"""
