"""This package tests the product from outside: real files, real processes, real pipes."""
