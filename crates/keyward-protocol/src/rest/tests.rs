//! Tests of the REST codec.
