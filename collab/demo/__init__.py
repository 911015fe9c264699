"""Three linked instances on one machine, with French content, to look at what federation does."""
