//! Relations between objects, and what follows from them when one is compromised. The only place that stores edges.
use std::collections::{HashSet, VecDeque};

use keyward_core::Problem;
use keyward_core::command::ReadBlastRadius;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::limits::BLAST_RADIUS_MAX;
use keyward_core::object::{Edge, EdgeKind, Object};
use keyward_core::outcome::{BlastRadius, Concerned, Outcome};

use crate::ports::store::{RowKey, Table};
use crate::problems::store_problem;
use crate::rows;
use crate::work::Work;

impl Work<'_> {
    /// Notes a relation in this command's own commit: `from` concerns `to`.
    pub(crate) fn put_edge(
        &mut self,
        realm: RealmId,
        kind: EdgeKind,
        from: (ObjectId, u32),
        to: ObjectId,
    ) -> Result<(), Problem> {
        let (from, version) = from;
        let edge = Edge {
            kind,
            from,
            to,
            version,
            created_at: self.moment.now.wall,
        };
        self.replace(rows::edge(realm, from, kind, to), &edge)
    }

    pub(super) fn read_blast_radius(
        &mut self,
        command: &ReadBlastRadius,
    ) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        Ok(Outcome::BlastRadius(
            self.blast_radius(realm.id, entry.object.id)?,
        ))
    }

    /// Everything that can be reached from an object, the nearest first. What the caller may not see is left out.
    pub(super) fn blast_radius(
        &mut self,
        realm: RealmId,
        key: ObjectId,
    ) -> Result<BlastRadius, Problem> {
        let mut seen = HashSet::from([key]);
        let mut waiting = VecDeque::from([(key, 0u32)]);
        let mut concerned = Vec::new();
        while let Some((from, distance)) = waiting.pop_front() {
            for edge in self.edges(realm, from)? {
                if !seen.insert(edge.to) {
                    continue;
                }
                if seen.len() > BLAST_RADIUS_MAX {
                    let more = true;
                    return Ok(BlastRadius {
                        key,
                        concerned,
                        more,
                    });
                }
                let distance = distance.saturating_add(1);
                waiting.push_back((edge.to, distance));
                let found = self.open.read::<Object>(&rows::object(realm, edge.to))?;
                if let Some(opened) = found
                    && self.is_visible(&opened.value, opened.version)
                {
                    concerned.push(Concerned {
                        edge,
                        distance,
                        name: opened.value.name,
                        kind: opened.value.kind,
                    });
                }
            }
        }
        Ok(BlastRadius {
            key,
            concerned,
            more: false,
        })
    }

    fn edges(&self, realm: RealmId, from: ObjectId) -> Result<Vec<Edge>, Problem> {
        let found = self
            .open
            .store
            .scan(
                Table::Edge,
                &rows::edges_prefix(realm, from),
                None,
                BLAST_RADIUS_MAX.saturating_add(1),
            )
            .map_err(|f| store_problem(&f))?;
        let mut edges = Vec::with_capacity(found.len());
        for (key, row) in found {
            let key = RowKey {
                table: Table::Edge,
                key,
            };
            let opened = self.open.custody.sealer.decode::<Edge>(&key, &row);
            edges.push(opened.map_err(|f| store_problem(&f))?.value);
        }
        Ok(edges)
    }
}
