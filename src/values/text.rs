//! What all small values share: how they are refused, stored and shown.

/// Why a text is not the value it should be: a fragment that fits "… is not usable: {reason}".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

pub(super) fn invalid<T>(reason: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(reason.into()))
}

/// Serde through the text form, so that a stored value is checked again when it is read.
macro_rules! text_serde {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use text_serde;

/// Whether a character is obeyed or passed over instead of shown: controls, what turns the
/// direction of writing, what has no width. The ranges are those of Unicode's category Cf, of its
/// line and paragraph separators, and of `Default_Ignorable_Code_Point`.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text from outside (files, logs, certificates, host names) made safe to show: what does not
/// show appears as an escape, so no terminal obeys it and no reader overlooks it.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whole text on its way to a terminal, through the last gate: of what does not show, line ends
/// pass, and the sequences of colours where they were put in.
pub fn shown(text: &str, has_colours: bool) -> String {
    let passes = |c: char| c == '\n' || has_colours && c == '\u{1b}';
    let pieces = text.split_inclusive(passes);
    let gated = pieces.map(|piece| match piece.char_indices().next_back() {
        Some((at, last)) if passes(last) => format!("{}{last}", escaped(&piece[..at])),
        _ => escaped(piece),
    });
    gated.collect()
}

/// JSON text in which what does not show is written as an escape: it means the same.
pub fn shown_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A value that is quoted in a sentence: safe to show, and cut where it would push the sentence
/// out of sight.
pub fn quotable(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", escaped(&text[..end])),
        None => escaped(text),
    }
}
