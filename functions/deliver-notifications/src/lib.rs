//! Sends queued notifications to their channels, at least once.
