"""The options of commands, by what they say; each is declared once."""
