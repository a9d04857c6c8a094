"""Futures positions of trader groups from the COT reports."""
