//! Suggests the name that was probably meant.

/// Letters of a name that are compared; longer names are not typing mistakes of each other.
const COMPARED_CHARS: usize = 64;

/// The known name nearest to the typed one, if it is near enough to have been meant.
pub fn nearest<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = normalized(typed);
    if typed.len() > COMPARED_CHARS {
        return None;
    }
    let allowed = match typed.len() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|name| (distance(&typed, &normalized(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What to write instead of an unknown name: the nearest one, or the list of known names.
pub(crate) fn instead<'n>(typed: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
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

/// Case and the choice between `-`, `_` and space do not distinguish names.
fn normalized(name: &str) -> Vec<char> {
    let lower = name.trim().chars().flat_map(char::to_lowercase);
    lower.map(|char| if matches!(char, '-' | ' ') { '_' } else { char }).take(COMPARED_CHARS + 1).collect()
}

/// Number of insertions, deletions, replacements and swaps of neighbours that turn one name into the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, &to) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(from != to);
            row[j + 1] = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
