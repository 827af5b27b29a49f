"""One file for each form of table, one for shapes, and one for how a form is told."""
