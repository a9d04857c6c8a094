"""Causal, stationary columns for the classifier, one module a family."""
