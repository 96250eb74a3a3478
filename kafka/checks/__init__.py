"""What `kafka-resend check` finds out: connection, ACLs, topics, and what jobs need."""
