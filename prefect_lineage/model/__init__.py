"""The vocabulary: small frozen values that know neither SQL nor Prefect."""
