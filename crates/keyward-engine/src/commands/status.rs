//! Status: what this server is, runs on, and how it stands.
use keyward_core::Problem;
use keyward_core::ids::{RealmId, hex};
use keyward_core::outcome::{Outcome, StatusLine, StatusView};
use keyward_core::policy_facts::ResourceKind;

use crate::ports::clock::Clock;
use crate::ports::module::SelfTest;
use crate::problems::store_problem;
use crate::work::Work;

impl Work<'_> {
    pub(super) fn status(&mut self) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::System, [0; 16])?;
        let open = self.open;
        let head = open.committer.head();
        let store = open.store.describe().map_err(|f| store_problem(&f))?;
        let now = open.clock.now();
        let module = open.crypto.module();
        let line = |check: &str, ok: bool, detail: String| StatusLine {
            check: check.to_owned(),
            ok,
            detail,
        };
        let integrity = module.self_test(SelfTest::Integrity);
        let checks = vec![
            line(
                "module.approved-mode",
                open.module.approved_mode,
                "the module reports that it runs in approved mode".to_owned(),
            ),
            line(
                "module.certificate",
                !open.module.certificates.is_empty(),
                format!(
                    "{} {}: certificates {:?}",
                    open.module.name, open.module.version, open.module.certificates
                ),
            ),
            line(
                "module.integrity",
                integrity.is_ok(),
                integrity.map_or_else(
                    |fault| fault.to_string(),
                    |()| "the integrity test passed just now".to_owned(),
                ),
            ),
            line(
                "store.durable",
                store.durable,
                format!(
                    "{}, {} bytes used, {:?} bytes free",
                    store.name, store.used_bytes, store.free_bytes
                ),
            ),
            line(
                "clock.agreement",
                !open.clock.drifted(),
                "wall and service time have kept together since the start".to_owned(),
            ),
        ];
        let seals = open
            .custody
            .root
            .lock()
            .slots
            .iter()
            .map(|slot| slot.kind.clone())
            .collect();
        Ok(Outcome::Status(Box::new(StatusView {
            product: env!("CARGO_PKG_VERSION").to_owned(),
            deployment: open.deployment.to_string(),
            node: open.node.to_string(),
            unsealed: true,
            seals,
            module: open.module.name.clone(),
            module_version: open.module.version.clone(),
            certificates: open.module.certificates.clone(),
            store: store.name,
            log_size: head.size,
            log_root: hex(head.root.as_bytes()),
            wall: now.wall,
            service_ms: now.service.0,
            checks,
        })))
    }
}
