"""The dashboard and the pages of the datasets: open tasks, cards of the datasets, their tables, and recent activity."""
