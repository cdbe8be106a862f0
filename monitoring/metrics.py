"""Counter and Histogram of prometheus_client, without the _created series.

A separate module, because prometheus_client reads PROMETHEUS_MULTIPROC_DIR when it is imported, and the package itself
is imported earlier.
"""

from prometheus_client import Counter, Histogram, disable_created_metrics

__all__ = ["Counter", "Histogram"]

disable_created_metrics()  # before any metric is created
