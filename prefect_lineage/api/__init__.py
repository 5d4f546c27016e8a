"""What a user's code calls; ``prefect_lineage`` itself gives the names."""
