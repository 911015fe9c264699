"""Who may log in, who may act, and which other instances are known."""
