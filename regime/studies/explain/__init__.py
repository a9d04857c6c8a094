"""A forecast explained: the model of its day, contributions, counterfactuals, stability."""
