"""The kinds of metrics that the site's modules count by, without a series that tells when each was made.

A module of its own: the package itself is imported before the server has a folder of counts, and prometheus_client asks
for that folder when it is imported.
"""

from prometheus_client import Counter, Histogram, disable_created_metrics

__all__ = ["Counter", "Histogram"]

disable_created_metrics()  # before a metric is made, which is when each asks
