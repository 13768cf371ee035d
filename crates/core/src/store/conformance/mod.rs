//! The suite that proves a store.
