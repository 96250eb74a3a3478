"""Resends of many records: what is asked for, how far it is, where that is kept, and who does it.

plan      what a job is to resend: fixed ranges of offsets and a filter (values and their JSON)
progress  how far a job is, and the fold of its records in the store into that
store     the compacted topic that holds plans and progress
owner     runs the jobs of one partition of the store, transaction by transaction
worker    shares the store's partitions among all workers, by a consumer group
"""
