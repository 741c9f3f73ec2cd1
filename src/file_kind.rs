//! What a file is that is none of those expected, as far as its first bytes show.

/// A phrase such as "a web page", for a message.
pub fn foreign(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 9] = [
        (b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or another zip archive"),
        (&[0xd0, 0xcf, 0x11, 0xe0], "an old spreadsheet (.xls)"),
        (&[0x37, 0x7a, 0xbc, 0xaf], "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"BZh", "compressed with bzip2"),
        (&[0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed with xz"),
        (b"%PDF", "a PDF document"),
        (b"SQLite format 3", "an SQLite database"),
        (b"{\\rtf", "a text document (RTF)"),
    ];
    if let Some((_, kind)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some(kind);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    let text = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head).trim_ascii_start();
    let starts = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    if starts(b"<!doctype html") || starts(b"<html") {
        return Some("a web page");
    }
    starts(b"<?xml").then_some("an XML document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_first_bytes() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (head, expected) in [
            (b"PK\x03\x04\x14\x00".as_slice(), Some("a spreadsheet (.xlsx, .ods) or another zip archive")),
            (&[0xd0, 0xcf, 0x11, 0xe0, 0xa1], Some("an old spreadsheet (.xls)")),
            (b"\xef\xbb\xbf \n<!DOCTYPE html>", Some("a web page")),
            (b"<?xml version=\"1.0\"?>", Some("an XML document")),
            (&tar, Some("a tar archive")),
            (b"id,opened\n", None),
            (b"{\"a\":1}", None),
            (b"BEGIN:VCALENDAR", None),
            (b"", None),
        ] {
            assert_eq!(foreign(head), expected, "{head:?}");
        }
    }
}
