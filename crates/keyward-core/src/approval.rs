//! The approval table: which algorithm and size may do what, from when until when, and by which source.
//!
//! One table for the whole product: the engine decides by it, the scanner judges by it, the documents print it.
//! What a *module* approves is a second table beside the module; the result of both is the minimum.
