"""Trend followers: exposure, trigger levels and flows."""
