"""Studies of a rule, a model or the data: each stands alone and imports no other."""
