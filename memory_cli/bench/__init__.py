"""This package measures the product on this machine, beside floors and peers of the same run."""
