"""Exposure to equity: vectorbt behind one adapter, and an oracle of our own."""
