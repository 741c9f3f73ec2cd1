//! Suggests the name that was probably meant, by the least number of insertions, deletions, replacements and swaps of neighbours.

/// Names of more bytes are not compared: the time to compare two names is the product of their lengths.
const COMPARED_BYTES: usize = 128;

/// The known name nearest to the typed one, if it is near enough to have been meant.
pub fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = normalized(typed)?;
    let allowed = match typed.len() {
        0..=3 => 1,
        length => 1 + length / 4,
    };
    known
        .into_iter()
        .filter_map(|name| Some((strsim::osa_distance(&typed, &normalized(name)?), name)))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What to write instead of an unknown name: the nearest one, or the list of known names.
pub fn instead<'n>(typed: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
    const SHOWN: usize = 12;
    if let Some(name) = nearest(typed, known.clone()) {
        return format!("{name:?}");
    }
    let mut names: Vec<&str> = known.into_iter().collect();
    let all = names.len();
    names.truncate(SHOWN);
    match all {
        0 => "nothing here: there is no name to choose from".to_owned(),
        1 => format!("{:?}", names[0]),
        _ if all > SHOWN => format!("one of {}, ... ({all} in all)", names.join(", ")),
        _ => format!("one of {}", names.join(", ")),
    }
}

/// Case and the choice between `-`, `_` and space do not distinguish names. `None` for a name that is too long to compare.
fn normalized(name: &str) -> Option<String> {
    let name = name.trim();
    (name.len() <= COMPARED_BYTES).then(|| name.to_lowercase().replace(['-', ' '], "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let events = ["opened", "agent_reply", "customer_reply", "closed"];
        assert_eq!(nearest("openend", events), Some("opened"));
        assert_eq!(nearest("Agent-Reply", events), Some("agent_reply"));
        assert_eq!(nearest("costumer_rpely", events), Some("customer_reply"));
        assert_eq!(nearest("colsed", events), Some("closed"));
        assert_eq!(nearest("elephant", events), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), events), None);
    }

    #[test]
    fn without_a_near_name_the_choice_is_shown() {
        assert_eq!(instead("vip", ["low", "high"]), "one of low, high");
        assert_eq!(instead("hihg", ["low", "high"]), "\"high\"");
    }
}
