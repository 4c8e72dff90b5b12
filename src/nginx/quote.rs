//! Values written so that nginx reads them back.

/// Why a value cannot be written as one argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unquotable {
    #[error("it holds a control character ({})", .0.escape_debug())]
    Control(char),
    #[error("it holds a $, which nginx takes for a variable and cannot be told not to")]
    Dollar,
}

/// Writes a literal value as one argument that nginx reads back as exactly that value: bare
/// where that is safe, else in double quotes. Such a value cannot end its directive.
///
/// This is about words, not about their meaning: `~` before a server name or `on` for a flag
/// still mean to a directive what they mean.
pub fn quote(value: &str) -> Result<String, Unquotable> {
    if let Some(control) = value.chars().find(|c| c.is_control()) {
        return Err(Unquotable::Control(control));
    }
    if value.contains('$') {
        return Err(Unquotable::Dollar);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-:@%+=,~^*!?&|<>[]()".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        return Ok(value.to_owned());
    }
    Ok(format!(
        "\"{}\"",
        value.replace('\\', r"\\").replace('"', "\\\"")
    ))
}
