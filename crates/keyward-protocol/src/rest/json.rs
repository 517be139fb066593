//! A borrowed JSON tree with what `serde_json::Value` does not give: no copies of strings, duplicate members refused,
//! limits on depth and size, and the path of whatever is wrong.
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use keyward_core::Problem;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroize;

/// Deepest nesting; no body of the table needs more than three levels.
const DEPTH_MAX: usize = 8;
/// Most members or items in one place: above every list limit of the core, and small enough for the quadratic check
/// for duplicates.
const ITEMS_MAX: usize = 256;

/// A text of a body. If it had to be copied (it carried escapes) the copy is wiped: it may be a secret.
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(copy) = &mut self.0 {
            copy.zeroize();
        }
    }
}

/// A value.
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    /// Negative, fractional or too large: no field takes one.
    OtherNumber,
    Text(Text<'a>),
    List(Vec<Self>),
    Object(Vec<(Text<'a>, Self)>),
}

/// Where a value stands in a body: `roles[1]`, `cryptoperiod.originator_days`.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads one JSON text and nothing after it.
pub(super) fn parse(bytes: &[u8]) -> Result<Json<'_>, Problem> {
    let found = Cell::new(None);
    let seed = Seed {
        found: &found,
        path: Path::Root,
        depth: 0,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    seed.deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| found.take().unwrap_or_else(|| syntax(&error)))
}

/// The parser's own message is not passed on: the place says enough, and no part of a body may enter a problem.
fn syntax(error: &serde_json::Error) -> Problem {
    Problem::malformed_request(if error.is_eof() {
        "the JSON text ends too early".to_owned()
    } else {
        format!(
            "not valid JSON at line {} column {}",
            error.line(),
            error.column()
        )
    })
}

#[derive(Clone, Copy)]
struct Seed<'s> {
    /// The problem, where the parser's own error could only carry a sentence.
    found: &'s Cell<Option<Problem>>,
    path: Path<'s>,
    depth: usize,
}

impl Seed<'_> {
    fn fail<E: Error>(&self, problem: Problem) -> E {
        self.found.set(Some(problem));
        E::custom("")
    }

    fn deeper<E: Error>(&self) -> Result<usize, E> {
        let depth = self.depth.saturating_add(1);
        if depth > DEPTH_MAX {
            let reason = format!("the JSON text is nested deeper than {DEPTH_MAX} levels");
            return Err(self.fail(Problem::malformed_request(reason)));
        }
        Ok(depth)
    }

    fn room<E: Error>(&self, count: usize) -> Result<(), E> {
        if count < ITEMS_MAX {
            return Ok(());
        }
        let path = match self.path {
            Path::Root => "(body)".to_owned(),
            path => path.to_string(),
        };
        Err(self.fail(Problem::too_many_items(path, ITEMS_MAX.to_string())))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Whole(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(u64::try_from(value).map_or(Json::OtherNumber, Json::Whole))
    }
    /// JSON has one kind of number: `7.0` is the whole number 7, as far as a float is exact.
    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = value.fract() == 0.0 && (0.0..=EXACT).contains(&value);
        Ok(if whole {
            Json::Whole(value as u64)
        } else {
            Json::OtherNumber
        })
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Text(Cow::Borrowed(value))))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Text(Cow::Owned(value.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let depth = self.deeper()?;
        let mut items = Vec::new();
        loop {
            let path = Path::Item(&self.path, items.len());
            match access.next_element_seed(Seed {
                found: self.found,
                path,
                depth,
            })? {
                Some(item) => {
                    self.room(items.len())?;
                    items.push(item);
                }
                None => return Ok(Json::List(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let depth = self.deeper()?;
        let mut members: Vec<(Text<'de>, Json<'de>)> = Vec::with_capacity(4);
        while let Some(name) = access.next_key_seed(NameSeed)? {
            self.room(members.len())?;
            let path = Path::Member(&self.path, name.as_str());
            if members
                .iter()
                .any(|(present, _)| present.as_str() == name.as_str())
            {
                return Err(self.fail(Problem::invalid_field(
                    path.to_string(),
                    "it is given twice",
                )));
            }
            let value = access.next_value_seed(Seed {
                found: self.found,
                path,
                depth,
            })?;
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

/// Reads the name of a member.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text<'de>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(value.to_owned())))
    }
}
