//! Typed access to the members of a body; every refusal names the member by its path.
use std::collections::BTreeMap;

use keyward_core::Problem;
use keyward_core::name::Name;
use keyward_core::secret::Secret;
use keyward_core::time::{Millis, Timestamp};

use super::json::{Json, Text, parse};
use super::spec::Field;
use super::time::parse_time;

/// The members of one object that were not taken yet.
pub(super) struct Fields<'a> {
    members: Vec<(Text<'a>, Json<'a>)>,
    /// Path of the object, with a dot at its end unless it is the body itself.
    prefix: String,
}

impl<'a> Fields<'a> {
    /// Reads a body; none is as good as `{}` where nothing is required.
    pub(super) fn of_body(body: &'a [u8], spec: Option<&'static [Field]>) -> Result<Self, Problem> {
        let Some(spec) = spec else {
            return Ok(Self {
                members: Vec::new(),
                prefix: String::new(),
            });
        };
        if body.is_empty() {
            return match spec.iter().find(|field| field.required) {
                Some(field) => Err(Problem::missing_field(field.name)),
                None => Ok(Self {
                    members: Vec::new(),
                    prefix: String::new(),
                }),
            };
        }
        match parse(body)? {
            Json::Object(members) => Self::checked(members, String::new(), spec),
            _ => Err(Problem::malformed_request("the body must be a JSON object")),
        }
    }

    fn checked(
        members: Vec<(Text<'a>, Json<'a>)>,
        prefix: String,
        spec: &'static [Field],
    ) -> Result<Self, Problem> {
        let unknown = members
            .iter()
            .find(|(name, _)| !spec.iter().any(|field| field.name == name.as_str()));
        if let Some((name, _)) = unknown {
            return Err(Problem::unknown_field(format!("{prefix}{}", name.as_str())));
        }
        Ok(Self { members, prefix })
    }

    /// The value of a member; `null` is as good as absent.
    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let place = self
            .members
            .iter()
            .position(|(present, _)| present.as_str() == name)?;
        match self.members.swap_remove(place).1 {
            Json::Null => None,
            value => Some(value),
        }
    }

    /// Whether a member is there and null: the wish to clear what it names.
    pub(super) fn cleared(&self, name: &str) -> bool {
        self.members
            .iter()
            .any(|(present, value)| present.as_str() == name && matches!(value, Json::Null))
    }

    /// The path of a member, as problems name it.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A refusal of a member.
    pub(super) fn invalid(&self, name: &str, reason: impl Into<String>) -> Problem {
        Problem::invalid_field(self.path(name), reason)
    }

    /// Insists on a member.
    pub(super) fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| Problem::missing_field(self.path(name)))
    }

    fn text_value(&mut self, name: &str) -> Result<Option<Text<'a>>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name, "it must be a string")),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.text_value(name)?.map(|text| text.as_str().to_owned()))
    }

    /// A text that must not be shown.
    pub(super) fn password(&mut self, name: &str) -> Result<Option<Secret>, Problem> {
        Ok(self
            .text_value(name)?
            .map(|text| Secret::new(text.as_str().as_bytes().to_vec())))
    }

    /// A name.
    pub(super) fn name(&mut self, name: &str) -> Result<Option<Name>, Problem> {
        let Some(text) = self.text_value(name)? else {
            return Ok(None);
        };
        Name::new(text.as_str())
            .map(Some)
            .map_err(|error| self.invalid(name, error.to_string()))
    }

    /// What a text reads as.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text_value(name)? else {
            return Ok(None);
        };
        read(text.as_str())
            .map(Some)
            .ok_or_else(|| self.invalid(name, expected))
    }

    /// Bytes in base64.
    pub(super) fn base64(&mut self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(text) = self.text_value(name)? else {
            return Ok(None);
        };
        base64_simd::STANDARD
            .decode_to_vec(text.as_str())
            .map(Some)
            .map_err(|_| {
                self.invalid(
                    name,
                    "it must be standard base64 with padding, without line breaks",
                )
            })
    }

    /// Truth.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(name, "it must be true or false")),
        }
    }

    /// A whole number of the type asked for.
    pub(super) fn whole<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Whole(value)) => T::try_from(value)
                .map(Some)
                .map_err(|_| self.invalid(name, "the number is too large")),
            Some(_) => Err(self.invalid(name, "it must be a whole number, not negative")),
        }
    }

    /// An instant.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.parsed(
            name,
            parse_time,
            "it must be a time as in RFC 3339, e.g. 2027-03-01T12:00:00.000Z",
        )
    }

    /// A duration given in one of the units its name may end in.
    pub(super) fn duration(
        &mut self,
        stem: &str,
        units: &[(&str, Millis)],
    ) -> Result<Option<Millis>, Problem> {
        let mut given: Option<(String, Millis)> = None;
        for (unit, one) in units {
            let name = format!("{stem}_{unit}");
            let Some(count) = self.whole::<u64>(&name)? else {
                continue;
            };
            if let Some((first, _)) = given {
                return Err(Problem::conflicting_fields(
                    self.path(&first),
                    self.path(&name),
                ));
            }
            let Some(total) = count.checked_mul(one.0) else {
                return Err(self.invalid(&name, "the number is too large"));
            };
            given = Some((name, Millis(total)));
        }
        Ok(given.map(|(_, duration)| duration))
    }

    /// A list, each item read from a text.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<T>, Problem> {
        let items = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Json::List(items)) => items,
            Some(_) => return Err(self.invalid(name, "it must be a list")),
        };
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let value = if let Json::Text(text) = item {
                read(text.as_str())
            } else {
                None
            };
            out.push(value.ok_or_else(|| self.invalid(&format!("{name}[{index}]"), expected))?);
        }
        Ok(out)
    }

    /// An object of texts.
    pub(super) fn map(&mut self, name: &str) -> Result<BTreeMap<String, String>, Problem> {
        let members = match self.take(name) {
            None => return Ok(BTreeMap::new()),
            Some(Json::Object(members)) => members,
            Some(_) => return Err(self.invalid(name, "it must be an object")),
        };
        let mut out = BTreeMap::new();
        for (key, value) in &members {
            let Json::Text(text) = value else {
                return Err(
                    self.invalid(&format!("{name}.{}", key.as_str()), "it must be a string")
                );
            };
            out.insert(key.as_str().to_owned(), text.as_str().to_owned());
        }
        Ok(out)
    }

    /// An object of texts, with null for those to be removed.
    pub(super) fn map_edit(
        &mut self,
        name: &str,
    ) -> Result<BTreeMap<String, Option<String>>, Problem> {
        let members = match self.take(name) {
            None => return Ok(BTreeMap::new()),
            Some(Json::Object(members)) => members,
            Some(_) => return Err(self.invalid(name, "it must be an object")),
        };
        let mut out = BTreeMap::new();
        for (key, value) in &members {
            let value = match value {
                Json::Text(text) => Some(text.as_str().to_owned()),
                Json::Null => None,
                _ => {
                    let path = format!("{name}.{}", key.as_str());
                    return Err(self.invalid(&path, "it must be a string, or null to remove it"));
                }
            };
            out.insert(key.as_str().to_owned(), value);
        }
        Ok(out)
    }

    /// A list that replaces another; none if it is not given.
    pub(super) fn list_if_given<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<Vec<T>>, Problem> {
        let given = self
            .members
            .iter()
            .any(|(present, value)| present.as_str() == name && !matches!(value, Json::Null));
        if given {
            self.list(name, read, expected).map(Some)
        } else {
            Ok(None)
        }
    }

    /// An object with members of its own.
    pub(super) fn object(
        &mut self,
        name: &str,
        spec: &'static [Field],
    ) -> Result<Option<Self>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Object(members)) => {
                Self::checked(members, format!("{}.", self.path(name)), spec).map(Some)
            }
            Some(_) => Err(self.invalid(name, "it must be an object")),
        }
    }

    /// A list of objects with members of their own, at most so many.
    pub(super) fn objects(
        &mut self,
        name: &str,
        spec: &'static [Field],
        limit: usize,
    ) -> Result<Option<Vec<Self>>, Problem> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(Json::List(items)) => items,
            Some(_) => return Err(self.invalid(name, "it must be a list")),
        };
        if items.len() > limit {
            return Err(Problem::too_many_items(self.path(name), limit.to_string()));
        }
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let path = self.path(&format!("{name}[{index}]"));
            let Json::Object(members) = item else {
                return Err(Problem::invalid_field(path, "it must be an object"));
            };
            out.push(Self::checked(members, format!("{path}."), spec)?);
        }
        Ok(Some(out))
    }
}
