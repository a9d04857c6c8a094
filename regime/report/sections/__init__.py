"""Sections of the page beyond its own parts, one module a subject."""
