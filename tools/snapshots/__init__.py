"""What is inside snapshot files, told and compared."""
