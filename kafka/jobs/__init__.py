"""Bulk resends: what was asked for, how far each job is, where that is stored, and who runs it.

spec          what a client asks for; checked in full, it becomes a plan
plan          what a job resends: fixed ranges of offsets and a filter (values and their JSON)
stored        the codec of what is in the store: JSON by types
progress      how far a job is
job           the fold of a job's records in the store
service       creates, describes, cancels, pauses and resumes jobs
errors        why there is no job, or no answer
store         the compacted topic that holds plans and progress
worker        runs jobs
idempotency   single resends with an Idempotency-Key
"""
