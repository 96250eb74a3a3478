"""Dead letters go back to where they came from. Pure functions over the headers of records.

dialects       how frameworks mark where a dead letter came from, as data; the built-in ones
known          the dialects that an instance knows, and which of them a record's headers are in
origin         where a dead letter came from, and for which consumer group
dead_letters   what they are grouped by, and the condition that selects one of these groups
target         that a job's copies go there
"""
