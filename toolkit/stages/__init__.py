"""The stages of a round. Each gets what the journal has, does the rest, and journals it."""
