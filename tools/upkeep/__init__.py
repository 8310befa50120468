"""What developers run when the schema or the bundled data change."""
