"""This package keeps everything in one SQLite file; no SQL stands anywhere else."""
