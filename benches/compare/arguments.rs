//! What stands behind the area's name. Whatever cannot be understood ends the program: a figure of something else than was
//! asked for is worse than none.

use std::process;

/// The number at a place, or what is meant where there is none.
pub fn number<T: std::str::FromStr>(place: usize, name: &str, default: T) -> T {
    let Some(text) = std::env::args().nth(place) else { return default };
    text.parse().unwrap_or_else(|_| wrong(&format!("{name} needs a number, found {text:?}")))
}

/// The word at a place, one of those that are known; `None` where there is none.
pub fn word(place: usize, known: &[&'static str]) -> Option<&'static str> {
    let text = std::env::args().nth(place)?;
    let found = known.iter().copied().find(|word| *word == text);
    Some(found.unwrap_or_else(|| wrong(&format!("expected {}, found {text:?}", known.join(" or ")))))
}

/// Nothing stands behind this place.
pub fn end(place: usize) {
    if let Some(extra) = std::env::args().nth(place + 1) {
        wrong(&format!("one argument too many: {extra:?}"));
    }
}

fn wrong(why: &str) -> ! {
    eprintln!("compare: {why}");
    process::exit(2)
}
