"""Pages: documents that a project writes together."""
