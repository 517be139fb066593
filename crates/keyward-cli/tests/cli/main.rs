//! The `keyward` command against a real server, both as a user has them.
mod evidence;
mod exits;
mod files;
mod help;
mod life;
mod transcript;
mod use_keys;
mod world;
