"""Data sets made, looked at and fetched: what the commands about data share."""
