"""The discussion room: threads with a subject, and the messages that answer them."""
