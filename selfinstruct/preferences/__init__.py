"""Preferences: several responses to each task, ranked, in pairs."""
