"""Targets: from files to a table of examples, checked and split. Rows hold places, never pixels."""
