"""Tests that hand exports to the libraries that train on them."""
