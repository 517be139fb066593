//! The client for programs without async.
use crate::client::{Client, Settings};
use crate::error::ClientError;

/// A client with a small runtime of its own.
pub struct Blocking {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Blocking {
    /// Makes it; nothing is sent yet.
    ///
    /// # Errors
    /// The settings do not fit, or the runtime does not start.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ClientError::Runtime)?;
        Ok(Self {
            runtime,
            client: Client::new(settings)?,
        })
    }

    /// Waits for a call: `blocking.run(async |client| client.status().await)`.
    ///
    /// # Errors
    /// Those of the call.
    pub fn run<T>(
        &self,
        call: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        self.runtime.block_on(call(&self.client))
    }
}
