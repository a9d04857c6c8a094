"""Pure checks: from the rows of a file to findings, each with its evidence.

Nothing here mends anything.
"""
