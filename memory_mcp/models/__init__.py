"""This package holds the values of the domain: frozen, without input, output or clock."""
