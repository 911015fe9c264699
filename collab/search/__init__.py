"""Search: one port, French words, and a backend that the settings name."""
