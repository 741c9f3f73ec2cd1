use super::*;

#[test]
fn a_file_in_stretches_has_the_checksum_of_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let contents: Vec<u8> =
        (0..2 * limits::CHECKSUM_CHUNK_BYTES as u32 + 77).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
    let mut out = Summed::new(File::create(&path).unwrap());
    out.write_all(&contents).unwrap();
    assert_eq!(out.bytes(), contents.len() as u64);
    assert_eq!(out.crc32c(), crc32c::crc32c(&contents));
    assert_eq!(of_file(&path).unwrap(), out.crc32c());
    assert_eq!(stretches(contents.len() as u64).count(), 3);
}

#[test]
fn the_sum_is_the_published_one() {
    // RFC 3720, B.4: 32 bytes of zeros, and of ones.
    assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c::crc32c(&[0xff; 32]), 0x62a8_ab43);
}
