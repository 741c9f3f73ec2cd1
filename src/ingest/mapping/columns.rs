//! Finds the mapping's columns among those of an input.

use super::Mapping;
use crate::suggest::nearest;

/// Names of an input's columns that a message lists, at most.
const NAMES_SHOWN: usize = 40;

/// The index of each of the mapping's inputs among the columns of an input.
///
/// Unmapped columns may appear twice, as in Jira's exports; mapped ones may not.
pub(crate) fn find(names: &[String], mapping: &Mapping) -> Result<Vec<Option<usize>>, String> {
    let mut mistakes = Vec::new();
    let places = mapping
        .inputs
        .iter()
        .map(|input| {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == input.name).map(|(place, _)| place);
            let first = found.next();
            if found.next().is_some() {
                mistakes.push(format!("has column {:?} twice", input.name));
            } else if first.is_none() && input.required {
                let near = nearest(&input.name, names.iter().map(String::as_str));
                mistakes.push(match near {
                    Some(near) => format!("has no column {:?}, perhaps {near:?} is meant", input.name),
                    None => format!("has no column {:?}", input.name),
                });
            }
            first
        })
        .collect();
    if mistakes.is_empty() {
        return Ok(places);
    }
    let shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| crate::ingest::error::shorten(name)).collect();
    let more =
        if names.len() > NAMES_SHOWN { format!(" and {} more", names.len() - NAMES_SHOWN) } else { String::new() };
    Err(format!("{}; it has {}{more}", mistakes.join("; "), shown.join(", ")))
}
