"""Values without behaviour: positions, records, copies, policies, the tree of errors. Nothing here touches a broker.

records      positions and records
copies       what is written, and what resending makes of a record
policy       what an operator allows to be resent
errors       the tree of what can go wrong
translation  the client library's errors, as those of the tree
json_value   JSON with its numbers as they are written
"""
