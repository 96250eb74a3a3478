"""The HTTP front end: what a request means, who may ask, how a failure is worded."""
