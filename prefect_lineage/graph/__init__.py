"""Pure functions over graphs: they need no database, no browser and no Prefect."""
