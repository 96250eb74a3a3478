"""Resends of many records: what is asked for, how far it is, where that is kept, and who does it.

plan      what a job is to resend: fixed ranges of offsets and a filter (values and their JSON)
progress  how far a job is, and the fold of its records in the store into that
store     the compacted topic that holds plans and progress
source    reads the records of a plan
transactions  writes copies and progress, all or nothing
owner     runs the jobs of one partition of the store, turn by turn
trouble   the jobs that have to wait because their turns fail
keyed     single resends with an Idempotency-Key: what the store keeps of them
keyed_owner     carries them out, many in one transaction
keyed_resender  asks for one, and waits for its answer
preparing  reads the records of such resends
presence  whether there are workers
worker    shares the store's partitions among all workers, by a consumer group
"""
