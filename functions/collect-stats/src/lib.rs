//! Reads the statistics views of every target and stores reset-safe samples.
