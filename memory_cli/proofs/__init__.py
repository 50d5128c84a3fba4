"""This package puts the promises of the product to the proof on real servers in a scratch directory."""
