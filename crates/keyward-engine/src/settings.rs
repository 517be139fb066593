//! What `read-settings` shows: the settings the process runs with, as whoever started it says.
use std::sync::Arc;

use parking_lot::Mutex;

use crate::engine::Engine;

/// Settings by name.
pub(crate) type Settings = Arc<Mutex<Vec<(String, String)>>>;

impl Engine {
    /// Says what the process runs with. No secret may be among it.
    pub fn describe_settings(&self, settings: Vec<(String, String)>) {
        *self.settings.lock() = settings;
    }
}
