"""The contents of the sample sources: one module for each dataset."""
