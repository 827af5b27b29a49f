"""One file for rows that become seeds, one for labelled texts, one for wordings."""
