"""Parses, calls a workflow, prints."""
