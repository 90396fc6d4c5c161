"""Scorers, statistics, prompts, acceptance and verdict: all pure."""
