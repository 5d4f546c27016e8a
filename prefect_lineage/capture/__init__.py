"""What happens inside a flow process: two nets, one fold, and the border to Prefect."""
