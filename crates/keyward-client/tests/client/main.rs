//! The client against a real TLS server that answers as the test says.
mod behaviour;
mod server;
mod views;
