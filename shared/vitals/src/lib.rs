//! shared/vitals
