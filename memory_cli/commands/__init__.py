"""This package holds one file per noun of the command line."""
