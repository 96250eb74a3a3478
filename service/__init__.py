"""The HTTP front end: what a request means, who may send it, how a failure is worded.

app         puts everything together
http        what every route shares: request log, errors, JSON, the fast path, connections
api         the resources, one module each; api/schema has the bodies
auth        authenticators, callers, grants
settings    model, sources, wording
cli         the command line, one module per command
console     the pages in the browser
instances   the instances that this process serves
logs        the log
"""
