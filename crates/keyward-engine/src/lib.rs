//! The only door: every command from every protocol goes through [`engine::Engine::execute`], and nothing else acts.
#![forbid(unsafe_code)]

pub mod permit;
pub mod ports;
