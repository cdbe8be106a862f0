"""Questions about records: columns, filters, search, order, pages, sums."""
