//! (tests of the decision)
