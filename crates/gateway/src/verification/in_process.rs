//! Verification by the engine of the same process.
