//! Commands about what the server runs on.
use minicbor::{Decode, Encode};

/// Shows the modules the server uses and what each offers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListModules {}

/// Shows the settings the server runs with; no secret is among them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadSettings {}
