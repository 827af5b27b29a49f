"""Augmentation: tasks in other words, from those that a run has grown."""
