"""Sections of the page, each made from the result of one study or mechanism."""
