"""What every page and door shares: session, forms, errors, the way to an operation."""
