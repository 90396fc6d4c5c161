"""Pieces of screens. They draw values that they are given, and do nothing else."""
