//! Every reader of bytes from outside, over the stored corpus and mutations of it. `scripts/fuzz` runs the same targets for longer.
//!
//! `OVERDUE_FUZZ_SEED` and `OVERDUE_FUZZ_RUNS` make it another or a longer run; an input that fails is written to a temporary file
//! whose path is printed.

#[path = "mutate.rs"]
mod mutate;
mod targets;

use mutate::{Random, mutate};
use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use targets::{ALL, Target};

/// Mutated inputs of each target: seconds of an unoptimised build.
const RUNS: u64 = 300;

/// Bytes of all stored inputs.
const CORPUS_BYTES: u64 = 1 << 20;

#[test]
fn codec() {
    fuzz("codec");
}

#[test]
fn icalendar() {
    fuzz("icalendar");
}

#[test]
fn mapping() {
    fuzz("mapping");
}

#[test]
fn policy() {
    fuzz("policy");
}

#[test]
fn ndjson() {
    fuzz("ndjson");
}

#[test]
fn json() {
    fuzz("json");
}

#[test]
fn csv() {
    fuzz("csv");
}

#[test]
fn parquet() {
    fuzz("parquet");
}

#[test]
fn arrow() {
    fuzz("arrow");
}

#[test]
fn tokens() {
    fuzz("tokens");
}

#[test]
fn manifest() {
    fuzz("manifest");
}

#[test]
fn every_target_is_built_and_has_a_small_corpus() {
    let manifest = fs::read_to_string(here().join("Cargo.toml")).expect("Cargo.toml");
    let mut bytes = 0;
    for (name, _) in ALL {
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")), "Cargo.toml builds no {name}");
        assert!(here().join(format!("fuzz_targets/{name}.rs")).is_file(), "no fuzz_targets/{name}.rs");
        bytes += corpus(name).iter().map(|(_, input)| input.len() as u64).sum::<u64>();
    }
    assert!(bytes <= CORPUS_BYTES, "the corpus has {bytes} bytes, at most {CORPUS_BYTES}");
}

fn fuzz(name: &str) {
    let target = ALL.iter().find(|(known, _)| *known == name).expect("a target");
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "{name} has no stored input");
    for (_, input) in &corpus {
        run(target, input);
    }
    let (seed, runs) = (number("OVERDUE_FUZZ_SEED", 1), number("OVERDUE_FUZZ_RUNS", RUNS));
    println!("OVERDUE_FUZZ_SEED={seed} OVERDUE_FUZZ_RUNS={runs}");
    let mut random = Random::new(seed);
    for _ in 0..runs {
        let input = &corpus[random.below(corpus.len())].1;
        let other = &corpus[random.below(corpus.len())].1;
        run(target, &mutate(input, other, &mut random));
    }
}

fn run((name, target): &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let file = tempfile::Builder::new().prefix(&format!("overdue-fuzz-{name}-")).tempfile().expect("a file");
        let (mut file, path) = file.keep().expect("a file");
        file.write_all(input).expect("the input");
        println!("{name} fails on the {} bytes of {}", input.len(), path.display());
        resume_unwind(panic);
    }
}

/// The stored inputs of a target, by name.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = here().join("corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).expect("an input"))).collect()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |value| value.parse().expect(variable))
}
