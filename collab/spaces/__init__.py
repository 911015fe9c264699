"""Project spaces, their members, and the items that every tool makes."""
