//! Reads only the mapped fields of a JSON object: others are skipped without being built.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ingest::mapping::Input;
use crate::ingest::rows::cell::Cell;

/// The fields to read, as a tree: `a.b` is field `b` of field `a`.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    nodes: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    cell: Option<usize>,
    inner: Fields,
}

impl Fields {
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let mut root = Self::default();
        for (cell, input) in inputs.iter().enumerate() {
            let mut fields = &mut root;
            let mut names = input.name.split('.').peekable();
            while let Some(name) = names.next() {
                let node = fields.node(name);
                if names.peek().is_none() {
                    node.cell = Some(cell);
                }
                fields = &mut node.inner;
            }
            // A field name may itself contain a dot.
            root.node(&input.name).cell = Some(cell);
        }
        root
    }

    fn node(&mut self, name: &str) -> &mut Field {
        let place = self.nodes.iter().position(|node| node.name == name).unwrap_or_else(|| {
            self.nodes.push(Field { name: name.to_owned(), cell: None, inner: Self::default() });
            self.nodes.len() - 1
        });
        &mut self.nodes[place]
    }

    /// Reads one object into the cells.
    pub(crate) fn read<'a>(&self, text: &'a str, cells: &mut [Cell<'a>]) -> Result<(), String> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = deserializer.deserialize_map(Object { fields: self, cells });
        read.and_then(|()| deserializer.end()).map_err(|error| {
            let message = error.to_string();
            let cause = message.split(" at line ").next().unwrap_or_default();
            format!("expected a JSON object: {cause} at column {}", error.column())
        })
    }
}

struct Object<'f, 'c, 'a> {
    fields: &'f Fields,
    cells: &'c mut [Cell<'a>],
}

impl<'a> Visitor<'a> for Object<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Key(self.fields))? {
            match field {
                Some(field) => map.next_value_seed(Value { field, cells: &mut *self.cells })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A key, looked up; `None` for an unmapped one.
struct Key<'f>(&'f Fields);

impl<'a, 'f> DeserializeSeed<'a> for Key<'f> {
    type Value = Option<&'f Field>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'f> Visitor<'_> for Key<'f> {
    type Value = Option<&'f Field>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.nodes.iter().find(|node| node.name == name))
    }
}

struct Value<'f, 'c, 'a> {
    field: &'f Field,
    cells: &'c mut [Cell<'a>],
}

impl<'a> Value<'_, '_, 'a> {
    fn put<E>(self, value: Cell<'a>) -> Result<(), E> {
        if let Some(cell) = self.field.cell.and_then(|cell| self.cells.get_mut(cell)) {
            *cell = value;
        }
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for Value<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Value<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.put(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.put(Cell::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.put(i64::try_from(number).map_or(Cell::Unsigned(number), Cell::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.put(Cell::Float(number))
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.put(Cell::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(Cell::Null)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.put(Cell::Other("a list"))
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        Object { fields: &self.field.inner, cells: &mut *self.cells }.visit_map(map)?;
        self.put(Cell::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(names: &[&str], text: &'a str) -> Result<Vec<Cell<'a>>, String> {
        let inputs: Vec<Input> = names.iter().map(|name| Input { name: (*name).to_owned(), required: true }).collect();
        let mut cells = vec![Cell::Null; names.len()];
        Fields::new(&inputs).read(text, &mut cells)?;
        Ok(cells)
    }

    #[test]
    fn fields_are_found_by_path_and_the_rest_is_skipped() {
        let text = r#"{"x":[1,{"id":9}],"id":7,"a":{"b":{"c":"deep"},"d":true},"e\u0066":"\n","f.g":1.5,"h":[1],"big":18446744073709551615}"#;
        let cells = read(&["id", "a.b.c", "a.d", "ef", "f.g", "h", "big", "none", "a"], text).expect("an object");
        let expected = [
            Cell::Integer(7),
            Cell::Text("deep".into()),
            Cell::Bool(true),
            Cell::Text("\n".into()),
            Cell::Float(1.5),
            Cell::Other("a list"),
            Cell::Unsigned(u64::MAX),
            Cell::Null,
            Cell::Other("an object"),
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn what_is_no_object_says_so() {
        for text in ["", "[1]", "7", "{\"id\":}", "{\"id\":1} x", "{\"id\":1", "{\"id\":\"\u{0}\"}"] {
            let error = read(&["id"], text).expect_err("no object");
            assert!(error.starts_with("expected a JSON object: ") && error.contains(" at column "), "{error}");
        }
        assert!(read(&["id"], &"[".repeat(100_000)).is_err());
        assert!(read(&["id"], &format!("{{\"id\":{}", "[".repeat(100_000))).is_err());
    }
}
