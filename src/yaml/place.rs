//! Where a key or a value stands in a text. `serde_yaml` says where an error is, and nothing else
//! says where a value is; so whoever looks for one walks down to it and stops there with an error.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Line and column, from 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// Where the value of `steps` (names, and numbers of list items) begins. Where its last name
/// stands several times, the first `skip` of them are passed over. `None`: it is not there, or the
/// text is no YAML.
pub fn value_at(text: &str, steps: &[&str], skip: usize) -> Option<Place> {
    let walk = Walk {
        steps,
        skip,
        wants_key: false,
    };
    stopped(text, walk)
}

/// Where the name that `steps` ends with stands itself.
pub fn key_at(text: &str, steps: &[&str]) -> Option<Place> {
    let walk = Walk {
        steps,
        skip: 0,
        wants_key: true,
    };
    stopped(text, walk)
}

fn stopped(text: &str, walk: Walk<'_>) -> Option<Place> {
    let error = walk
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    let place = error
        .location()
        .filter(|_| error.to_string().contains(FOUND))?;
    Some(Place {
        line: place.line(),
        column: place.column(),
    })
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    steps: &'a [&'a str],
    /// How often the last name is passed over.
    skip: usize,
    wants_key: bool,
}

const FOUND: &str = "here it is";

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A plain value is met by an error that says this: at the end of the way it is what was
        // looked for, and before it there is no way on.
        let found = self.steps.is_empty() && !self.wants_key;
        f.write_str(if found { FOUND } else { "a mapping or a list" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let mut skip = if rest.is_empty() { self.skip } else { 0 };
        let stop_at = (self.wants_key && rest.is_empty()).then_some(*step);
        while let Some(key) = map.next_key_seed(Name { stop_at })? {
            let is_it = key == *step;
            if is_it && skip == 0 {
                map.next_value_seed(Walk {
                    steps: rest,
                    ..self
                })?;
            } else {
                skip -= usize::from(is_it);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let wanted: Option<usize> = step.parse().ok();
        let mut index = 0;
        loop {
            let more = if Some(index) == wanted {
                seq.next_element_seed(Walk {
                    steps: rest,
                    ..self
                })?
                .is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }
}

/// A name of a mapping; the one that is looked for itself is an error.
struct Name<'a> {
    stop_at: Option<&'a str>,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        if self.stop_at == Some(name) {
            return Err(E::custom(FOUND));
        }
        Ok(name.to_owned())
    }
}
