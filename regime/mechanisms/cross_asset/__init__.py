"""Selling across markets: breadth, comovement and havens."""
