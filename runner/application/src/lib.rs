//! runner/application
