"""Nested search of labels, features and model, block by block; the only door to optuna."""
