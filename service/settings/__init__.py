"""What a deployment can set: the model, where values come from, and how a wrong one is worded."""
