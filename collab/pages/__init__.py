"""Pages that belong to no tool: home, accounts, spaces, administration."""
