"""The house's own database versions; each room keeps its branch in its own folder."""
