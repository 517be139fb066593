//! Notices: the log says, and so whoever watches it learns, that something nears its end.
use keyward_core::command::{GiveNotice, KeyRef};
use keyward_core::object::{Object, ObjectKind, Version};
use keyward_core::outcome::Outcome;
use keyward_core::state::State;
use keyward_core::time::{Millis, Timestamp};
use keyward_core::{ErrorCode, Problem};

use super::life::plain;
use crate::rows::{self, DueJob, DueKind};
use crate::work::Work;

/// How long before an end notices are given; the last one when it has come.
const BEFORE_END: [Millis; 4] = [
    Millis::days(30),
    Millis::days(7),
    Millis::days(1),
    Millis(0),
];

/// When the next notice about an end is due; none once the last was given.
pub(super) fn next_notice(end: Timestamp, now: Timestamp) -> Option<Timestamp> {
    BEFORE_END
        .iter()
        .map(|before| Timestamp(end.0.saturating_sub(before.0)))
        .find(|at| *at > now)
}

impl Work<'_> {
    pub(super) fn put_notice(&mut self, object: &Object, at: Timestamp) -> Result<(), Problem> {
        let key = rows::due(at, DueKind::Notice, object.realm, object.id);
        self.replace(key, &DueJob::about(object, DueKind::Notice, at))
    }

    pub(super) fn give_notice(&mut self, command: &GiveNotice) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        let (KeyRef::Id(id) | KeyRef::Object(_, id)) = &command.key else {
            return Err(Problem::new(ErrorCode::NotFound));
        };
        let entry = self.object_of(realm.id, *id)?;
        self.authorise_key(&entry)?;
        let object = &entry.object;
        let due = rows::due(command.due_at, DueKind::Notice, object.realm, object.id);
        let row = self
            .row(&due)?
            .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        self.delete(due, &row)?;
        let versions = plain(&self.versions(object)?);
        let current = versions.iter().find(|v| v.number == object.current);
        let now = self.moment.now.wall;
        self.target_version = Some(object.current);
        let Some(end) = current.and_then(end_of) else {
            self.detail = Some("nothing ends any more".to_owned());
            return Ok(Outcome::Done);
        };
        self.detail = Some(if end <= now {
            format!("{} ended at {end}", what(object))
        } else {
            format!("{} ends at {end}", what(object))
        });
        if let Some(at) = next_notice(end, now) {
            self.put_notice(object, at)?;
        }
        Ok(Outcome::Done)
    }
}

/// When a version ends by itself, if it is still at work.
fn end_of(version: &Version) -> Option<Timestamp> {
    if version.state() == State::Active {
        version.protect_until
    } else {
        None
    }
}

const fn what(object: &Object) -> &'static str {
    if matches!(object.kind, ObjectKind::Certificate) {
        "the certificate"
    } else {
        "the originator-usage period"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_come_thirty_seven_and_one_days_before_the_end_and_at_it() {
        let end = Timestamp(Millis::days(100).0);
        let mut now = Timestamp(0);
        let mut days = Vec::new();
        while let Some(at) = next_notice(end, now) {
            days.push(at.0 / Millis::DAY.0);
            now = at;
        }
        assert_eq!(days, [70, 93, 99, 100]);
        assert_eq!(next_notice(end, end), None);
    }
}
