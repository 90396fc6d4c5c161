"""Data: reading it, splitting it, sealing it, and keeping it out of the lessons."""
