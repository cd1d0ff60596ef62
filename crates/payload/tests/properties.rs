//! Sizes against `serde_json`, cuts against UAX #29, and `fit` against the message it is for.

use proptest::prelude::*;
use reveille_payload::{
    ELLIPSIS, Part, escaped_len, fit, shorten, write_escaped, write_integer, write_string,
};
use unicode_segmentation::UnicodeSegmentation;

/// Text that is hard to cut: controls, quotes, combining marks, flags, families, Hangul, prepended marks, CR LF.
fn hard_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z \"\\\\]{1,6}",
        "[\u{0}-\u{1f}\u{7f}]",
        Just("\r\n".to_owned()),
        Just("e\u{301}\u{302}".to_owned()),
        Just("👩\u{200d}👩\u{200d}👧\u{200d}👦".to_owned()),
        Just("🇩🇪🇫🇷".to_owned()),
        Just("🇩".to_owned()),
        Just("\u{600}".to_owned()),
        Just("\u{600} ".to_owned()),
        Just(" \u{301}".to_owned()),
        Just("각\u{11a8}".to_owned()),
        Just("क्षि".to_owned()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn integers_are_written_in_decimal(number: u64) {
        let mut out = b"x".to_vec();
        write_integer(&mut out, number);
        prop_assert_eq!(out, format!("x{number}").into_bytes());
    }

    #[test]
    fn strings_are_written_as_serde_json_writes_them(text in hard_text()) {
        let expected = serde_json::to_vec(&text).unwrap();
        let mut ours = Vec::new();
        write_string(&mut ours, &text);
        prop_assert_eq!(&ours, &expected);
        prop_assert_eq!(escaped_len(&text), expected.len() - 2);
        ours.clear();
        write_escaped(&mut ours, &text);
        prop_assert_eq!(ours.len(), escaped_len(&text));
    }

    #[test]
    fn shortened_text_is_whole_graphemes_within_the_limit(text in hard_text(), max in 0_usize..200) {
        let Some(short) = shorten(&text, max) else {
            prop_assert!(max < ELLIPSIS.len_utf8() && escaped_len(&text) > max);
            return Ok(());
        };
        prop_assert!(escaped_len(&short) <= max);
        if short == text {
            return Ok(());
        }
        let head = short.strip_suffix(ELLIPSIS).unwrap();
        prop_assert!(text.starts_with(head));
        let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
        prop_assert!(head.is_empty() || boundaries.contains(&head.len()), "{:?} tears {:?}", head, text);
        // As long as possible: the next grapheme with ink in it would not have fitted.
        let next = text
            .grapheme_indices(true)
            .find(|(at, grapheme)| *at >= head.len() && !grapheme.trim().is_empty());
        if let Some((at, grapheme)) = next {
            let longer = text.get(..at + grapheme.len()).unwrap();
            prop_assert!(escaped_len(longer) + ELLIPSIS.len_utf8() > max);
        }
    }

    #[test]
    fn fit_cuts_in_order_to_the_limit_or_says_why_not(
        optional in prop::collection::vec(0_usize..60, 0..5),
        texts in prop::collection::vec(hard_text(), 0..4),
        fixed in 0_usize..300,
        limit in 0_usize..600,
    ) {
        let mut parts: Vec<Part<'_>> = optional.iter().map(|bytes| Part::optional("o", *bytes)).collect();
        parts.push(Part::fixed("f", fixed));
        parts.extend(texts.iter().map(|text| Part::text("t", text.as_str())));
        let size: usize = parts.iter().map(Part::bytes).sum();
        match fit(size, limit, &parts) {
            Ok(cuts) => {
                let saved: usize = cuts.iter().map(|cut| cut.before - cut.after).sum();
                prop_assert!(size - saved <= limit);
                prop_assert_eq!(cuts.is_empty(), size <= limit);
                prop_assert!(cuts.is_sorted_by(|a, b| a.index < b.index));
                for cut in &cuts {
                    prop_assert_eq!(cut.before, parts[cut.index].bytes());
                    prop_assert_eq!(cut.after, cut.text.as_deref().map_or(0, escaped_len));
                }
                // The last cut was needed.
                if let Some(last) = cuts.last() {
                    prop_assert!(size - saved + (last.before - last.after) > limit);
                }
            }
            Err(error) => {
                prop_assert!(error.smallest > limit);
                prop_assert_eq!(error.size, size);
                prop_assert_eq!(error.fields.iter().map(|field| field.bytes).sum::<usize>(), size);
            }
        }
    }
}

/// Eight bytes are looked at together: every byte at every place among its neighbours.
#[test]
fn every_byte_is_escaped_wherever_it_stands() {
    for c in (0..256).filter_map(char::from_u32) {
        for place in 0..9 {
            let text = format!("{}{c}{c}\u{1f600}{c}", "x".repeat(place));
            let mut written = Vec::new();
            write_string(&mut written, &text);
            assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
