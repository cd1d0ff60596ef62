//! Texts that somebody else wrote, on their way into a log.

/// The longest text of an answer that is kept, in bytes.
pub(crate) const MAX_TEXT: usize = 512;

/// The shortest part of a path that counts as a capability, in bytes: words such as `push` and `wpush` are shorter.
const SECRET: usize = 12;

/// The start of `text` that fits into [`MAX_TEXT`], on a character boundary, with every character made a space that
/// could begin a line, move a cursor or turn the direction of reading.
pub(crate) fn tame(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    if text.contains(disturbs) { text.replace(disturbs, " ") } else { text }
}

/// Controls (C0, C1), line and paragraph separators, and the marks of UAX #9 that reorder what is shown.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` with every quotation of a secret replaced by `…`.
///
/// A quotation is the secret as a whole, or any part of it that stands between `/`, `?`, `&`, `=`, `#` and `:` and has
/// at least 12 bytes, in either case of letters. So a server's "Cannot POST /wpush/v2/SECRET" loses the capability
/// and keeps its sense. Everything in `text` that begins with a part's first 12 bytes is cut up to the next character that
/// could not be of a URL, for servers cut texts, too.
///
/// ```
/// use reveille_core::cut_out;
/// let endpoint = "https://push.example/wpush/v2/gAAAAABkSECRETSECRET";
/// assert_eq!(cut_out("Cannot POST /wpush/v2/gAAAAABkSECRETSECRET here", &[endpoint]), "Cannot POST /wpush/v2/… here");
/// assert_eq!(cut_out("no such subscription: gAAAAABkSECRET…", &[endpoint]), "no such subscription: ……");
/// assert_eq!(cut_out("push.example is down", &[endpoint]), "push.example is down");
/// ```
#[must_use]
pub fn cut_out(text: &str, secrets: &[&str]) -> String {
    let mut out = text.to_owned();
    for secret in secrets {
        // The host of a URL is no secret, and belongs into a log.
        let path = secret
            .split_once("://")
            .map_or(*secret, |(_, rest)| rest.split_once(['/', '?', '#']).map_or("", |(_, path)| path));
        for part in path.split(['/', '?', '&', '=', '#', ':']).filter(|part| part.len() >= SECRET) {
            out = cut_part(&out, part);
        }
    }
    out
}

/// `text`, bounded, with every word replaced by `…` that could be a token: a run of 32 or more characters that tokens
/// have. For answers of servers that may quote a secret which the reader does not know; where it is known, use
/// [`cut_out`] as well, which finds short ones, too.
///
/// ```
/// use reveille_core::cut_tokens;
/// let said = format!("bad token '{}', see https://a.example/docs", "aB3-".repeat(10));
/// assert_eq!(cut_tokens(&said), "bad token '…', see https://a.example/docs");
/// ```
#[must_use]
pub fn cut_tokens(text: &str) -> String {
    const TOKEN: usize = 32;
    let bounded = text.get(..text.floor_char_boundary(MAX_TEXT * 2)).unwrap_or_default();
    let is_token =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '+' | '/' | '=' | '.');
    let mut out = String::with_capacity(bounded.len().min(MAX_TEXT));
    let mut rest = bounded;
    while !rest.is_empty() {
        let (run, after) = rest.split_at(rest.find(|c| !is_token(c)).unwrap_or(rest.len()));
        // Paths, domains and type names are long too, but their parts are not.
        let secret = run.split(['/', '.']).any(|part| part.len() >= TOKEN);
        out.push_str(if secret { "…" } else { run });
        let gap = after.find(is_token).unwrap_or(after.len());
        let (between, next) = after.split_at(gap);
        out.push_str(between);
        rest = next;
    }
    tame(out)
}

/// Cuts each run of URL characters from where it begins like `part`.
fn cut_part(text: &str, part: &str) -> String {
    let Some(start) = part.get(..part.floor_char_boundary(SECRET)) else { return text.to_owned() };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = find_ignoring_case(rest, start) {
        let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        out.push('…');
        // As far as the text is the secret's, which may hold other characters than URLs do, and from there to the end of the word.
        let same = found.bytes().zip(part.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        let behind = found.get(found.ceil_char_boundary(same.max(start.len()))..).unwrap_or_default();
        rest = behind.trim_start_matches(is_url_character);
    }
    out.push_str(rest);
    out
}

fn is_url_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '%' | '+' | '=')
}

fn find_ignoring_case(text: &str, part: &str) -> Option<usize> {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    text.windows(part.len().max(1)).position(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_and_marks_of_direction_become_spaces() {
        let text = "a\x1b[2J\nb\u{202e}c\u{2066}d\u{200f}e\u{2028}f\u{85}g\u{feff}h";
        assert_eq!(tame(text.to_owned()), "a [2J b c d e f g h");
    }

    #[test]
    fn what_is_cut_twice_or_in_other_case_is_cut() {
        let secrets = ["https://h/AbCdEfGhIjKlMnOp", "0123456789abcdef"];
        for text in [
            "AbCdEfGhIjKlMnOp",
            "abcdefghijklmnop",
            "AbCdEfGhIjKl",
            "0123456789ABCDEF",
            "x=0123456789abcdef&y",
        ] {
            let cut = cut_out(&format!("{text} and {text}"), &secrets);
            assert!(!cut.to_ascii_lowercase().contains("cdefghij"), "{cut}");
            assert!(!cut.contains("23456789"), "{cut}");
            assert_eq!(cut.matches('…').count(), 2, "{cut}");
        }
    }

    #[test]
    fn long_words_are_no_words() {
        let token = format!("fPz:APA91b{}", "xY_-".repeat(30));
        assert_eq!(cut_tokens(&format!("not '{token}'")), "not '…'");
        let said = "Permission 'cloudmessaging.messages.create' denied";
        assert_eq!(cut_tokens(said), said);
        assert_eq!(cut_tokens(&"é".repeat(2_000)).len(), MAX_TEXT);
    }

    /// RFC 3986 §3.3 allows them in a path.
    #[test]
    fn a_secret_with_other_characters_is_cut_to_its_end() {
        let secret = "https://h/abcdefghijkl!SECRET(secret),SECRET;x/y";
        for text in ["POST /abcdefghijkl!SECRET(secret),SECRET;x/y no", "abcdefghijkl!SECRET(secre"] {
            let cut = cut_out(text, &[secret]);
            assert!(!cut.to_ascii_lowercase().contains("secre"), "{cut}");
        }
        assert_eq!(cut_out("(abcdefghijkl!SECRET(secret),SECRET;x)", &[secret]), "(…)");
    }

    /// Who quotes a part of a secret may have put something else behind it, which is not told either.
    #[test]
    fn the_rest_of_a_word_is_cut_with_its_beginning() {
        let secret = "https://h/abcdefghijklmnop";
        for rest in ["", "QRS", "Q-R_S.T~U%2BV+W=", "0"] {
            assert_eq!(cut_out(&format!("to abcdefghijkl{rest}, no"), &[secret]), "to …, no");
        }
        assert_eq!(cut_out("abcdefghijkl/next", &[secret]), "…/next");
    }

    proptest! {
        /// Whatever a server writes around it: no twelve bytes of the path get out.
        #[test]
        fn no_part_of_a_path_survives(before in ".{0,20}", after in ".{0,20}", path in "[A-Za-z0-9_-]{12,80}", cut in 12_usize..80) {
            let endpoint = format!("https://push.example/{path}");
            let quoted = path.get(..cut).unwrap_or(&path);
            let text = cut_out(&format!("{before}{quoted}{after}"), &[&endpoint]);
            prop_assert!(!text.contains(path.get(..SECRET).unwrap()), "{text}");
        }

        #[test]
        fn tame_is_total_and_bounded(text in any::<String>()) {
            let tamed = tame(text);
            prop_assert!(tamed.len() <= MAX_TEXT && !tamed.contains(disturbs));
        }
    }
}
