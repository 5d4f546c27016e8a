"""What ``prefect-lineage doctor`` looks at and tries, one module for each part of it."""
