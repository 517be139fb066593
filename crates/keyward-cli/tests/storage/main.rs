//! The real server and its storage: full and read-only disks, damage, two servers on one directory, installations of earlier
//! releases, and what is left of a key in the server's memory.
#[expect(
    dead_code,
    reason = "shared with the tests of the command line; this program uses a part"
)]
#[path = "../cli/world.rs"]
mod world;

mod damage;
mod disk;
mod memory;

use std::time::Duration;

use keyward_client::{Client, Credential, Settings};
use keyward_core::command::RealmRef;
use keyward_core::name::Name;
use keyward_core::secret::Secret;
use keyward_tls::Anchors;
use world::World;

/// The realm that [`World::with_people`] makes.
fn shop() -> RealmRef {
    RealmRef::Name(Name::new("shop").unwrap())
}

/// A client with the token in a file of the world.
fn client(world: &World, token_file: &str) -> Client {
    let anchors = Anchors::from_pem_file(&world.path("data/tls/ca.crt")).unwrap();
    let port = std::fs::read_to_string(world.path("port")).unwrap();
    let server = format!("https://127.0.0.1:{}", port.trim());
    let token = std::fs::read_to_string(world.path(token_file)).unwrap();
    let token = Secret::new(token.trim().as_bytes().to_vec());
    let mut settings = Settings::new(&server, anchors, Credential::Token(token)).unwrap();
    settings.answer_timeout = Duration::from_secs(20);
    Client::new(settings).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
