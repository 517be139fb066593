//! Who may do what: Cedar with a strict schema, the built-in roles, and each realm's own policies.
//!
//! Pure: facts in, answer out. Default deny, forbid wins, an evaluation error denies. A realm's policies are evaluated for
//! that realm's resources only. The schema is made from the table of commands, so a new command cannot be forgotten.
//!
//! Read next: `schema.rs` (actions and groups), `decider.rs` (slices and the cache), `spec/policy/builtin.cedar`.
#![forbid(unsafe_code)]

mod decider;
mod entities;
mod schema;

pub use decider::{Decider, PolicyAnswer, PolicyError};
pub use schema::schema_text;
