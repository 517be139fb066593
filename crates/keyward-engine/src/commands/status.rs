//! Status: what this server is, runs on, and how it stands.
use keyward_core::Problem;
use keyward_core::approval;
use keyward_core::ids::{RealmId, hex};
use keyward_core::outcome::{ModuleService, ModuleView, Outcome, StatusLine, StatusView};
use keyward_core::policy_facts::ResourceKind;

use crate::open::Open;
use crate::ports::clock::Clock;
use crate::ports::module::SelfTest;
use crate::ports::store::StoreDescription;
use crate::problems::store_problem;
use crate::work::Work;

/// Records that the search index may always be behind.
const INDEX_LAG: u64 = 65_536;

impl Work<'_> {
    pub(super) fn list_modules(&mut self) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::System, [0; 16])?;
        let module = self.open.crypto.module().describe();
        let today = self.moment.now.wall;
        let services = module
            .services
            .iter()
            .map(|(spec, service)| ModuleService {
                spec: *spec,
                service: *service,
                permitted: approval::permits(*spec, *service, today),
            })
            .collect();
        Ok(Outcome::Modules(vec![ModuleView {
            number: module.module,
            name: module.name,
            version: module.version,
            certificates: module.certificates,
            level: module.level,
            approved_mode: module.approved_mode,
            entropy: module.entropy,
            services,
        }]))
    }

    pub(super) fn read_settings(&mut self) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::System, [0; 16])?;
        Ok(Outcome::Settings(self.open.settings.lock().clone()))
    }

    pub(super) fn status(&mut self) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::System, [0; 16])?;
        let open = self.open;
        let head = open.committer.head();
        let store = open.store.describe().map_err(|f| store_problem(&f))?;
        let now = open.clock.now();
        let checks = self.checks(&store, head.size);
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

    fn checks(&self, store: &StoreDescription, log_size: u64) -> Vec<StatusLine> {
        let open = self.open;
        let module = open.crypto.module();
        let line = |check: &str, ok: bool, detail: String| StatusLine {
            check: check.to_owned(),
            ok,
            detail,
        };
        let integrity = module.self_test(SelfTest::Integrity);
        let mut checks = vec![
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
                    "{}, {} bytes used, {} bytes free",
                    store.name,
                    store.used_bytes,
                    store
                        .free_bytes
                        .map_or_else(|| "unknown".to_owned(), |free| free.to_string())
                ),
            ),
            line(
                "clock.agreement",
                !open.clock.drifted(),
                if open.clock.drifted() {
                    "wall and service time have parted: irreversible jobs are held".to_owned()
                } else {
                    "wall and service time have kept together since the start".to_owned()
                },
            ),
        ];
        checks.extend(log_lines(open, log_size));
        checks
    }
}

/// How the log's surroundings stand: room for it, its search index, its witnesses.
fn log_lines(open: &Open, size: u64) -> Vec<StatusLine> {
    let trouble = open.committer.trouble();
    let lag = open.index.lag(size);
    let mut lines = vec![
        StatusLine {
            check: "store.room".to_owned(),
            ok: trouble.is_none(),
            detail: trouble.map_or_else(
                || "records are taken".to_owned(),
                |code| format!("records are refused: {code}"),
            ),
        },
        StatusLine {
            check: "log.index".to_owned(),
            ok: true,
            detail: if lag <= INDEX_LAG {
                "the search index keeps up".to_owned()
            } else {
                format!("the search index is {lag} records behind; searches are slower, not wrong")
            },
        },
    ];
    for standing in open.witnesses.standings(size) {
        let detail = match (&standing.trouble, standing.cosigned) {
            (Some(trouble), _) => trouble.to_string(),
            (None, None) => "was not asked yet".to_owned(),
            (None, Some(cosigned)) => format!(
                "cosigned {cosigned} records{}, {} behind",
                standing
                    .at
                    .map(|at| format!(" at {at}"))
                    .unwrap_or_default(),
                standing.behind
            ),
        };
        lines.push(StatusLine {
            check: format!("log.witness {}", standing.name),
            ok: standing.trouble.is_none(),
            detail,
        });
    }
    lines
}
