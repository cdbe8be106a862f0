"""The steps of an import, from opening the files to merging the rows into the tables."""
