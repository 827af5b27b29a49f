"""The way in: seed files out of tables that a person has, of tasks or of labelled texts."""
