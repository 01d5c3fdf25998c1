//! shared/function
