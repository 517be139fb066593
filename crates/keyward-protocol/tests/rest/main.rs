//! The REST codec from outside: every route, every outcome, every way to be wrong.
mod golden;
mod malformed;
mod openapi;
mod properties;
mod requests;
mod responses;
mod samples;
mod schema;
