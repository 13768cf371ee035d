//! portcullis.
