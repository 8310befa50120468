"""Snapshots: Caffe's pair of files, written atomically, verified, and exact."""
