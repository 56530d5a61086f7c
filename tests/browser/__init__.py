"""The fifth level: the status page in a real browser, the metrics before Prometheus's own judge."""
