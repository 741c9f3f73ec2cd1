//! Every flipped bit is detected, and nothing damaged is returned.

use super::synthetic::{shard, write};
use crate::engine::ShardState;
use crate::store::snapshot::manifest::{MANIFEST, SCHEMA_VERSION};
use crate::store::snapshot::{Damage, open};
use std::fs;
use std::path::{Path, PathBuf};

fn small(folder: &Path) -> PathBuf {
    let mut choice = 0;
    let mut next = |below: u64| {
        choice += 1;
        choice % below
    };
    let shards: Vec<ShardState> = (0..2).map(|number| shard(number, 2, &mut next)).collect();
    write(folder, 1, &shards).unwrap();
    folder.join("00000000000000000001")
}

/// Files of a snapshot with their contents.
fn files(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[test]
fn every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    open(&path).unwrap();
    let (mut bits, mut files_seen) = (0_u64, 0);
    for (file, contents) in files(&path) {
        files_seen += 1;
        // All bits of the manifest; of the tables, which have one checksum each, one in 61 (a prime: so every position in a
        // byte is tested).
        let step = if file.ends_with(MANIFEST) { 1 } else { 61 };
        let mut damaged = contents.clone();
        for bit in (0..contents.len() * 8).step_by(step) {
            damaged[bit / 8] ^= 1 << (bit % 8);
            // In place: the same length, and no other byte written.
            fs::write(&file, &damaged).unwrap();
            assert!(open(&path).is_err(), "bit {bit} of {}", file.display());
            damaged[bit / 8] ^= 1 << (bit % 8);
            bits += 1;
        }
        fs::write(&file, &contents).unwrap();
    }
    open(&path).unwrap();
    assert!(files_seen == 14 && bits > 20_000, "{files_seen} files, {bits} bits");
}

#[test]
fn files_cut_short_grown_or_gone_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    for (file, contents) in files(&path) {
        for length in [0, 1, contents.len() / 2, contents.len() - 1] {
            fs::write(&file, &contents[..length]).unwrap();
            assert!(open(&path).is_err(), "{length} bytes of {}", file.display());
        }
        fs::write(&file, [&contents[..], b"\n"].concat()).unwrap();
        assert!(open(&path).is_err(), "a byte more in {}", file.display());
        fs::remove_file(&file).unwrap();
        assert!(open(&path).is_err(), "without {}", file.display());
        fs::write(&file, &contents).unwrap();
    }
    open(&path).unwrap();
}

#[test]
fn a_file_of_another_snapshot_is_found() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = small(one.path());
    write(other.path(), 1, &[shard(0, 3, &mut |below| 2 % below)]).unwrap();
    fs::copy(other.path().join("00000000000000000001/clocks.parquet"), path.join("clocks.parquet")).unwrap();
    let damage = open(&path).unwrap_err();
    assert!(damage.to_string().contains("clocks.parquet"), "{damage}");
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let manifest = path.join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    let newer = text.replacen(&format!("\"schema_version\": {SCHEMA_VERSION}"), "\"schema_version\": 9", 1);
    let body = &newer[..newer.find("  \"checksum\"").unwrap()];
    fs::write(&manifest, format!("{body}  \"checksum\": \"{:08x}\"\n}}\n", crc32c::crc32c(body.as_bytes()))).unwrap();
    let damage = open(&path).unwrap_err();
    assert!(matches!(damage, Damage::Newer { found: 9, .. }), "{damage}");
    assert!(damage.to_string().contains("written by a newer version of overdue"), "{damage}");
}

#[test]
fn members_that_came_later_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = small(folder.path());
    let manifest = path.join(MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    let body = text[..text.find("  \"checksum\"").unwrap()].replacen("{\n", "{\n  \"weather\": \"fair\",\n", 1);
    fs::write(&manifest, format!("{body}  \"checksum\": \"{:08x}\"\n}}\n", crc32c::crc32c(body.as_bytes()))).unwrap();
    open(&path).unwrap();
}
