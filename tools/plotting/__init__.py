"""Pictures of data: decision regions, filters, training runs."""
