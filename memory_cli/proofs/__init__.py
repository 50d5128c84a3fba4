"""This package tests the product's promises on real servers in a scratch directory."""
