"""What the train command adds to a solver: the progress bar and the run's log."""
