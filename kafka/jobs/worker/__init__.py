"""Runs jobs.

group         shares the store's partitions among all workers, by a consumer group
renewal       replaces a worker whose certificates have changed, or that has lived through an outage
liveness      heartbeats of workers, in the store
owner         the thread that has one store partition
ownership     runs its jobs, in time slices
targets       where the copies of a redrive go, and whether they may
marks         provenance of copies, and records that came back too often
pointed       the records that dead letters of share groups point to
report        what a dry run tells
run           one of these jobs: reads, selects, makes copies; writes nothing
source        reads the records of a plan
selecting     decides which of them are resent
read_ahead    bounds the memory for what jobs read ahead
missing       the named positions that have no record, and why
transactions  writes copies and progress, all or nothing
failed_turns  jobs that wait because their time slices fail
rules         what operators allow
"""
