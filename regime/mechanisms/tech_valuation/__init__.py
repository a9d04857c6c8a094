"""Valuation and leadership of technology."""
