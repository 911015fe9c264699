"""Simple versions of the texts of a project, and the words they explain (docs/falc.md)."""
