//! JSON with errors that say where: JSON paths in one document, lines in JSON lines.

use std::{fmt, iter};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::{
    error::{Kind, Position},
    source::Source,
};

/// Parses the document in `name`; `None` with the reason noted.
pub(crate) fn document(source: &mut Source, name: &str) -> Option<Value> {
    let text = source.read(name)?;
    serde_json::from_str(&text)
        .map_err(|e| {
            let at = Position::Column(e.line() as u64, e.column() as u64);
            source.problems.at(source.place(name, at), kind_of(&e));
        })
        .ok()
}

/// The rows of JSON lines with their line numbers; blank lines do not count. `None` when the file
/// or one of its rows cannot be read, with the reasons noted.
pub(crate) fn lines<T: de::DeserializeOwned>(source: &mut Source, name: &str) -> Option<Vec<(T, u64)>> {
    let text = source.read(name)?;
    let mut rows = Vec::new();
    let mut complete = true;
    for (line, row) in (1..).zip(text.lines()).filter(|(_, row)| !row.trim().is_empty()) {
        match serde_json::from_str(row) {
            Ok(value) => rows.push((value, line)),
            Err(e) => {
                complete = false;
                let at = Position::Column(line, e.column() as u64);
                source.problems.at(source.place(name, at), kind_of(&e));
            }
        }
    }
    complete.then_some(rows)
}

pub(crate) fn kind_of(error: &serde_json::Error) -> Kind {
    if error.is_eof() {
        return Kind::Truncated;
    }
    // The position is part of the place already.
    let message = error.to_string();
    Kind::Json(message.split(" at line ").next().unwrap_or(&message).to_owned())
}

/// An id that may be written as a string or as a whole number.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id (a string or a whole number)")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<Id, E> {
                Ok(Id(id.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }

            fn visit_i64<E: de::Error>(self, id: i64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A JSON value that knows the way to it.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    parent: Option<&'a Node<'a>>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Root,
    Key(&'static str),
    Index(usize),
}

/// A value of the wrong type, and where.
pub(crate) struct Misshapen {
    at: Position,
    expected: &'static str,
    found: &'static str,
}

impl Misshapen {
    /// Notes it as an error in the file `name`.
    pub(crate) fn note(self, source: &mut Source, name: &str) {
        let kind = Kind::Shape { expected: self.expected, found: self.found };
        source.problems.at(source.place(name, self.at), kind);
    }
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Node { value, parent: None, step: Step::Root }
    }

    /// The field `key` of an object, or `None` where it has none.
    pub(crate) fn optional(&'a self, key: &'static str) -> Option<Node<'a>> {
        let value = self.value.get(key)?;
        Some(Node { value, parent: Some(self), step: Step::Key(key) })
    }

    /// The field `key` of an object.
    pub(crate) fn field(&'a self, key: &'static str) -> Result<Node<'a>, Misshapen> {
        static MISSING: Value = Value::Null;
        match self.value {
            Value::Object(fields) => {
                let value = fields.get(key).unwrap_or(&MISSING);
                Ok(Node { value, parent: Some(self), step: Step::Key(key) })
            }
            _ => Err(self.misshapen("an object")),
        }
    }

    /// The elements of a list.
    pub(crate) fn items(&'a self) -> Result<impl Iterator<Item = Node<'a>>, Misshapen> {
        let Value::Array(values) = self.value else { return Err(self.misshapen("a list")) };
        let items = values.iter().enumerate();
        Ok(items.map(move |(i, value)| Node { value, parent: Some(self), step: Step::Index(i) }))
    }

    pub(crate) fn text(&self) -> Result<&'a str, Misshapen> {
        self.value.as_str().ok_or_else(|| self.misshapen("a string"))
    }

    pub(crate) fn count(&self) -> Result<usize, Misshapen> {
        let count = self.value.as_u64().and_then(|n| usize::try_from(n).ok());
        count.ok_or_else(|| self.misshapen("a whole number"))
    }

    pub(crate) fn is_true(&self) -> bool {
        self.value == &Value::Bool(true)
    }

    /// `$.data[3].paragraphs[1]`
    pub(crate) fn position(&self) -> Position {
        let steps: Vec<Step> =
            iter::successors(Some(self), |node| node.parent).map(|node| node.step).collect();
        let mut path = String::new();
        for step in steps.iter().rev() {
            match step {
                Step::Root => path.push('$'),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(i) => path.push_str(&format!("[{i}]")),
            }
        }
        Position::Json(path)
    }

    fn misshapen(&self, expected: &'static str) -> Misshapen {
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        Misshapen { at: self.position(), expected, found }
    }
}
