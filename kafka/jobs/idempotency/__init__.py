"""Single resends with an Idempotency-Key.

requests       what the store keeps of them
resender       requests one, and waits for its answer
owner          carries them out, many in one transaction
copy_preparer  reads their records
"""
