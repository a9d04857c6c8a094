"""Dealer gamma from option chains and from the published daily series."""
