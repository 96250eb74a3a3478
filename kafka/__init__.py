"""Everything that touches a broker, and nothing about HTTP.

model          values: positions, records, copies, policies, the tree of errors
client         confluent_kafka: configuration, properties, the AdminClient, connection errors
metadata       what the cluster knows: topics, offsets, listings, and whether it can be used
resend         one record: read, copied, written
filter         which records are meant, in searches and jobs: conditions on key, headers and value
search         records found by time, by position, or the newest, and counted by time
jobs           bulk resends, and single resends with an Idempotency-Key
redrive        dead letters go back to where they came from
checks         what `kafka-resend check` finds out
demo           the embedded broker and its sample records
backoff        waits that get longer, for what failed and is tried again
hooks          what happens, for metrics, traces and audit
fair_shares    places for work that takes long, shared fairly between callers
loop_thread    an event loop for threads that have none
client_set     what the requests to one cluster are carried out with
cluster_watch  keeps clients that work, and knows whether the cluster answers
cluster        one cluster as the service uses it: opened, asked, closed
"""
