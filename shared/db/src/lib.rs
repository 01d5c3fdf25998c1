//! shared/db
