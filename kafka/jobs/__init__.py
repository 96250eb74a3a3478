"""Resends of many records: what is asked for, how far it is, where that is kept, and who does it.

What is asked for, and what is known of it:
wish      what somebody wants resent, and the plan that it becomes once all of it was checked
plan      what a job is to resend: fixed ranges of offsets and a filter (values and their JSON)
stored    reads the fields of what is in the store
progress  how far a job is, and the fold of its records in the store into that
store     the compacted topic that holds plans and progress
view      reads all of the store, for those who run no jobs
jobs      makes jobs, tells of them, has them end or wait
errors    why there is no job, or no answer

Who does it:
worker    shares the store's partitions among all workers, by a consumer group
owner     runs the jobs of one partition of the store, turn by turn
run       one of them: reads, selects, makes copies; writes nothing
source    reads the records of a plan
read_ahead  shares out the memory for what jobs read ahead
missing   the named positions that have no record, and why
transactions  writes copies and progress, all or nothing
trouble   the jobs that have to wait because their turns fail
rules     what operators allow

Where copies of dead letters go:
origin    what the headers say of it
targets   whether they may go there

Single resends with an Idempotency-Key:
keyed     what the store keeps of them
keyed_resender  asks for one, and waits for its answer
keyed_owner     carries them out, many in one transaction
preparing  reads their records
worker_liveness  heartbeats of workers, in the store
"""
