//! Normalizes texts for comparison by the assignment rules, and finds word boundaries.

/// Appends a text in the form in which it is compared: lower case, runs of white space as one space, none at the ends. So a
/// phrase is found across a line break, and "ACME " equals "acme".
pub(crate) fn fold_into(text: &str, folded: &mut String) {
    let start = folded.len();
    folded.reserve(text.len());
    let mut space = false;
    for char in text.chars() {
        if char.is_whitespace() {
            space = folded.len() > start;
            continue;
        }
        if std::mem::take(&mut space) {
            folded.push(' ');
        }
        match char {
            _ if char.is_ascii() => folded.push(char.to_ascii_lowercase()),
            // The Greek final sigma depends on position, not on the word.
            'ς' => folded.push('σ'),
            _ => folded.extend(char.to_lowercase()),
        }
    }
}

pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::new();
    fold_into(text, &mut folded);
    folded
}

/// Whether the part `start..end` of a folded text is a whole word: "down" is in "it is down!", not in "download".
pub(crate) fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let (before, part, after) = (&text[..start], &text[start..end], &text[end..]);
    let joined = |left: Option<char>, right: Option<char>| left.is_some_and(in_word) && right.is_some_and(in_word);
    !joined(before.chars().next_back(), part.chars().next()) && !joined(part.chars().next_back(), after.chars().next())
}

/// A character that continues a word. Scripts that are written without spaces between words have no boundaries to check, so
/// there a keyword is found anywhere.
fn in_word(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_alphanumeric() || char == '_';
    }
    let unspaced = matches!(char,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
    );
    char.is_alphanumeric() && !unspaced
}
