"""Proof against fooling ourselves: what looked ahead, where, and how far."""
