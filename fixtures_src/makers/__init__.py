"""What the sample sources hold, a module a dataset."""
