"""Exports: the templates as data, and what is made of them."""
