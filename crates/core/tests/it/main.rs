//! What the engine promises as a whole.

#[cfg(test)]
mod rotation;
