"""How operators watch the site."""

from prometheus_client import disable_created_metrics

disable_created_metrics()  # here, since each metric of the package's modules asks for it when it is made
