"""Mutation testing: the derivatives are broken one at a time, to see which mistakes the checks notice."""
