"""A run as a folder for others: its data, a card, and what checks both."""
