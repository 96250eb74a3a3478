"""What all that talks to a broker shares.

config            how to reach a cluster and what may be done there; properties that cannot be configured, and why
properties        the librdkafka properties of each kind of client
messages          what a Consumer hands out: records and events
clients           logs and errors of librdkafka, and handing a record to a Producer
admin             the AdminClient, asked in an event loop or a thread
connection        what clients report of their connections, and what that says of why a cluster is away
bootstrap         leaves KRaft controllers out of the bootstrap servers
credential_files  notices that certificates have changed
refused_property  a property that librdkafka refuses
secrets           what must not be seen in logs and errors
"""
