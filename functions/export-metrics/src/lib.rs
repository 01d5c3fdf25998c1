//! Serves what was collected as Prometheus text.
