"""Bytes to Observations: a folder of files, a simulated world."""
