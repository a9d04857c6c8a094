"""Pure checks of data: from the rows of a file to findings, each with its evidence; no repairs."""
