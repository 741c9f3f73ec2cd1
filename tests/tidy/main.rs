//! The source checked as text: layers and their imports, the purity of the core, unreachable files, leftovers.

mod imports;
#[path = "../support"]
mod support {
    pub mod files;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::files::files_below;

/// The modules of the crate that each module may import. All modules are listed.
const LAYERS: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("atomic_file", &[]),
    ("suggest", &[]),
    ("file_kind", &[]),
    ("time", &["limits"]),
    ("calendar", &["file_kind", "limits", "time"]),
    ("ticket", &["limits", "time"]),
    ("policy", &["calendar", "limits", "suggest", "ticket", "time"]),
    ("engine", &["calendar", "limits", "policy", "ticket", "time"]),
    ("table", &["engine", "limits", "policy", "ticket", "time"]),
    ("ingest", &["calendar", "file_kind", "limits", "suggest", "ticket", "time"]),
    ("generate", &["limits", "ticket", "time"]),
    ("replay", &["calendar", "engine", "ingest", "limits", "policy", "atomic_file", "table", "ticket", "time"]),
    ("store", &["calendar", "engine", "limits", "policy", "atomic_file", "table", "ticket", "time"]),
    ("service", &["calendar", "engine", "limits", "policy", "store", "ticket", "time"]),
    (
        "server",
        &["calendar", "engine", "ingest", "limits", "policy", "atomic_file", "service", "store", "ticket", "time"],
    ),
    (
        "cli",
        &[
            "calendar",
            "engine",
            "file_kind",
            "generate",
            "ingest",
            "limits",
            "policy",
            "atomic_file",
            "replay",
            "server",
            "service",
            "store",
            "suggest",
            "ticket",
            "time",
        ],
    ),
];

/// The pure layers, and what they must not contain.
const CORE: &[&str] = &["limits", "suggest", "file_kind", "time", "calendar", "ticket", "policy", "engine"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::process",
    "File::",
    "SystemTime",
    "Instant",
    "async ",
    ".await",
    "println!",
    "eprintln!",
    "print!(",
    "tracing::",
    "log::",
    "::now()",
];

/// Calls that read without a bound or may leave a partial file, and what to use instead. Tests may use them.
const BANNED_CALLS: &[(&str, &str)] = &[
    ("fs::read(", "open the file and read through `Read::take` with a bound from limits.rs"),
    ("fs::read_to_string(", "open the file and read through `Read::take` with a bound from limits.rs"),
    ("fs::write(", "use atomic_file::Staged, which renames a finished file into place"),
];

/// Maximum lines of a file, of tests and benches as well.
const MAX_LINES: usize = 500;

#[test]
fn layers_import_only_lower_layers() {
    let mut faults = Vec::new();
    for file in product_files() {
        let Some(layer) = layer_of(&file.path) else { continue };
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            faults.push(format!("{}: the layer {layer:?} is not listed in tests/tidy/main.rs", file.shown()));
            continue;
        };
        for (number, line) in file.code() {
            for named in line.match_indices("crate::").map(|(at, prefix)| leading_name(&line[at + prefix.len()..])) {
                if named != layer && !allowed.contains(&named) && LAYERS.iter().any(|(name, _)| *name == named) {
                    faults.push(format!("{}:{number}: {layer} must not import {named}", file.shown()));
                }
            }
            if line.contains("crate::{") {
                faults.push(format!(
                    "{}:{number}: one `use crate::module` per line, so that this test can read it",
                    file.shown()
                ));
            }
        }
    }
    none(&faults);
}

#[test]
fn the_core_is_pure() {
    let mut faults = Vec::new();
    for file in product_files() {
        if !layer_of(&file.path).is_some_and(|layer| CORE.contains(&layer.as_str())) {
            continue;
        }
        for (number, line) in file.code() {
            for text in IMPURE.iter().filter(|text| line.contains(**text)) {
                faults.push(format!("{}:{number}: {text:?} in the core: pass it in as an argument", file.shown()));
            }
        }
    }
    none(&faults);
}

#[test]
fn files_are_read_with_a_bound_and_published_complete() {
    let mut faults = Vec::new();
    for file in product_files() {
        for (number, line) in file.code() {
            for (call, instead) in BANNED_CALLS.iter().filter(|(call, _)| line.contains(call)) {
                faults.push(format!("{}:{number}: {call}: {instead}", file.shown()));
            }
        }
    }
    none(&faults);
}

#[test]
fn every_source_file_is_part_of_the_crate() {
    let mut reached = BTreeSet::new();
    for root in ["src/lib.rs", "src/main.rs"] {
        reach(&top().join(root), &mut reached);
    }
    let faults: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|file| !reached.contains(&file.path))
        .map(|file| format!("{}: no `mod` leads here", file.shown()))
        .collect();
    none(&faults);
}

#[test]
fn files_are_short_and_begin_with_a_doc_line() {
    let mut faults = Vec::new();
    for file in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        let lines = file.text.lines().count();
        if lines > MAX_LINES {
            faults.push(format!("{}: {lines} lines, at most {MAX_LINES}", file.shown()));
        }
        if !file.text.starts_with("//!") && !file.path.ends_with("tests.rs") {
            faults.push(format!("{}: does not begin with a `//!` line", file.shown()));
        }
    }
    none(&faults);
}

#[test]
fn no_leftovers_of_work_remain() {
    // Concatenated, so that this file does not find itself.
    let leftovers = [
        ["#[al", "low("].concat(),
        ["#![al", "low("].concat(),
        ["#[ig", "nore"].concat(),
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
        ["FIX", "ME"].concat(),
        ["TO", "DO"].concat(),
        ["db", "g!("].concat(),
    ];
    let mut faults = Vec::new();
    for file in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        for (index, line) in file.text.lines().enumerate() {
            for text in leftovers.iter().filter(|text| line.contains(text.as_str())) {
                faults.push(format!("{}:{}: {text}", file.shown(), index + 1));
            }
        }
    }
    none(&faults);
}

#[test]
fn no_file_has_an_absolute_path_of_a_machine() {
    let roots = ["work", "home", "root", "Users"].map(|root| format!("/{root}/"));
    let mut faults = Vec::new();
    for file in text_files() {
        for (index, line) in file.text.lines().enumerate() {
            for root in roots.iter().filter(|root| line.contains(root.as_str())) {
                faults.push(format!("{}:{}: {root} exists on one machine only", file.shown(), index + 1));
            }
        }
    }
    none(&faults);
}

#[test]
fn every_bench_is_in_the_manifest_and_the_readme() {
    let manifest = read(&top().join("Cargo.toml"));
    let readme = read(&top().join("README.md"));
    let mut faults = Vec::new();
    for file in rust_files("benches") {
        let name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !manifest.contains(&format!("[[bench]]\nname = \"{name}\"\nharness = false")) {
            faults.push(format!("{}: Cargo.toml has no [[bench]] with harness = false for it", file.shown()));
        }
        if !readme.contains(&format!("`{name}`")) {
            faults.push(format!("{}: README.md does not say what it measures", file.shown()));
        }
    }
    none(&faults);
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = read(&top().join("README.md"));
    let commands = read(&top().join("src/cli/mod.rs"));
    let mut inside = false;
    let mut faults = Vec::new();
    for line in commands.lines() {
        inside = (inside || line.starts_with("enum Command")) && line != "}" && !line.ends_with("{}");
        if let (true, Some((name, _))) = (inside, line.trim().split_once('(')) {
            let name = name.to_lowercase();
            if name.chars().all(char::is_alphanumeric) && !readme.contains(&format!("overdue {name}")) {
                faults.push(format!("README.md does not show `overdue {name}`"));
            }
        }
    }
    none(&faults);
}

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn shown(&self) -> String {
        self.path.strip_prefix(top()).unwrap_or(&self.path).display().to_string()
    }

    /// Lines of code with their numbers, without comments and without unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn with_text(paths: Vec<PathBuf>) -> Vec<Source> {
    paths.into_iter().map(|path| Source { text: read(&path), path }).collect()
}

fn rust_files(folder: &str) -> Vec<Source> {
    with_text(files_below(&top().join(folder)).into_iter().filter(|path| has_extension(path, &["rs"])).collect())
}

/// Source files without unit tests.
fn product_files() -> Vec<Source> {
    let is_test = |path: &Path| path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
    rust_files("src").into_iter().filter(|file| !is_test(file.path.strip_prefix(top()).unwrap_or(&file.path))).collect()
}

/// All text files of the repository.
fn text_files() -> Vec<Source> {
    let mut paths: Vec<PathBuf> = ["src", "tests", "benches", "scripts", ".ci", ".github"]
        .iter()
        .flat_map(|folder| files_below(&top().join(folder)))
        .collect();
    paths.extend(files_below(&top().join("data")).into_iter().filter(|path| has_extension(path, &["toml", "md"])));
    paths.extend(
        ["Cargo.toml", "clippy.toml", "deny.toml", "rust-toolchain.toml", "README.md", "CHANGELOG.md"]
            .map(|name| top().join(name)),
    );
    // Inputs for fuzzing may have any bytes and any name.
    let corpus = top().join("tests/fuzz/corpus");
    let is_text = |path: &PathBuf| path.extension().is_none() || has_extension(path, &["rs", "toml", "md", "py", "sh"]);
    with_text(paths.into_iter().filter(|path| is_text(path) && !path.starts_with(&corpus)).collect())
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|extension| found == *extension))
}

/// The layer of a file; `None` for `lib.rs` and `main.rs`.
fn layer_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(top().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_string_lossy().replace(".rs", "");
    (first != "lib" && first != "main").then_some(first)
}

fn leading_name(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    &text[..end]
}

/// Follows `mod name;` from a file to the files of its modules.
fn reach(path: &Path, reached: &mut BTreeSet<PathBuf>) {
    if !reached.insert(path.to_owned()) {
        return;
    }
    let stem = path.file_stem().unwrap_or_default();
    let parent = path.parent().unwrap_or(Path::new(""));
    let folder =
        if ["lib", "main", "mod"].iter().any(|name| stem == *name) { parent.to_owned() } else { parent.join(stem) };
    for line in read(path).lines() {
        let Some((before, name)) = line.trim().split_once("mod ") else { continue };
        let Some(name) = name.strip_suffix(';').filter(|_| before.is_empty() || before.starts_with("pub")) else {
            continue;
        };
        let places = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
        for place in places.iter().filter(|place| place.exists()) {
            reach(place, reached);
        }
    }
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
