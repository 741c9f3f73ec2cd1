//! Finds priorities that raise a ticket to each other in a loop.

use super::names::Names;
use crate::policy::file::fields::Word;
use crate::policy::file::problem::Report;
use crate::policy::file::raw::RawPolicy;

/// The status of a priority in the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Never,
    /// On the current path.
    OnPath,
    Done,
}

/// Reports every `set_priority` that leads back to a priority on its own path.
pub(crate) fn refuse_loops(raw: &RawPolicy<'_, '_>, names: &Names<'_>, report: &mut Report<'_>) {
    let raises: Vec<Vec<(usize, &Word)>> = raw
        .priorities
        .iter()
        .enumerate()
        .map(|(from, priority)| {
            let words =
                priority.clocks.iter().flat_map(|clock| &clock.levels).filter_map(|level| level.set_priority.as_ref());
            // Unknown names and a priority's own name have been reported.
            words
                .filter_map(|word| names.place(&word.text).map(|to| (to, word)))
                .filter(|(to, _)| *to != from)
                .collect()
        })
        .collect();
    let mut seen = vec![Seen::Never; raises.len()];
    for start in 0..raises.len() {
        // The path, each priority with the number of raises that were followed from it. An explicit stack, because a chain of
        // 4,096 priorities must not become 4,096 nested calls.
        let mut path: Vec<(usize, usize)> = Vec::new();
        if seen[start] == Seen::Never {
            seen[start] = Seen::OnPath;
            path.push((start, 0));
        }
        while let Some((at, followed)) = path.last_mut() {
            let Some((to, word)) = raises[*at].get(*followed).copied() else {
                seen[*at] = Seen::Done;
                path.pop();
                continue;
            };
            *followed += 1;
            match seen[to] {
                Seen::Done => (),
                Seen::Never => {
                    seen[to] = Seen::OnPath;
                    path.push((to, 0));
                }
                Seen::OnPath => {
                    let turn = path.iter().position(|(on_path, _)| *on_path == to).unwrap_or(0);
                    let names = path[turn..].iter().map(|(on_path, _)| *on_path).chain([to]);
                    let names: Vec<&str> = names.map(|number| raw.priorities[number].name.text.as_str()).collect();
                    let message = format!("set_priority forms a loop: {}", shortened(&names));
                    report.error(
                        &word.place,
                        message,
                        "a priority that is not raised any further, or no set_priority here",
                    );
                }
            }
        }
    }
}

fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names {
        [first @ .., last] if names.len() > SHOWN => {
            format!("{} -> ... ({} in all) -> {last}", first[..SHOWN - 1].join(" -> "), first.len())
        }
        _ => names.join(" -> "),
    }
}
