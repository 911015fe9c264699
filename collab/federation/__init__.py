"""Speak with other instances: who signed what, what may be believed, and how to answer."""
